; TypeScript: as JavaScript, with interfaces, types, enums, abstract members and namespaces.
(class_declaration name: (type_identifier) @name) @definition.class
((comment) @doc . (class_declaration name: (type_identifier) @name) @definition.class)
(abstract_class_declaration name: (type_identifier) @name) @definition.class
(interface_declaration name: (type_identifier) @name) @definition.class
((comment) @doc . (interface_declaration name: (type_identifier) @name) @definition.class)
(enum_declaration name: (identifier) @name) @definition.class
(internal_module name: (identifier) @name) @definition.class
(class_heritage (extends_clause value: (identifier) @base))
(class_heritage (implements_clause (type_identifier) @base))
(extends_type_clause type: (type_identifier) @base)

(type_alias_declaration name: (type_identifier) @name) @definition.function
(function_declaration name: (identifier) @name) @definition.function
((comment) @doc . (function_declaration name: (identifier) @name) @definition.function)
(function_signature name: (identifier) @name) @definition.function
(generator_function_declaration name: (identifier) @name) @definition.function
(method_definition name: [(property_identifier) (private_property_identifier)] @name) @definition.function
((comment) @doc . (method_definition name: (property_identifier) @name) @definition.function)
(method_signature name: (property_identifier) @name) @definition.function
(abstract_method_signature name: (property_identifier) @name) @definition.function
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression)]) @definition.function
(public_field_definition name: (property_identifier) @name value: (arrow_function)) @definition.function
(pair key: (property_identifier) @name value: [(arrow_function) (function_expression)]) @definition.function
(assignment_expression
  left: [(identifier) @name (member_expression property: (property_identifier) @name)]
  right: [(arrow_function) (function_expression)]) @definition.function

(import_statement source: (string (string_fragment) @import))
(export_statement source: (string (string_fragment) @import))
(call_expression function: (identifier) @_require arguments: (arguments (string (string_fragment) @import))
  (#eq? @_require "require"))

; === references ===
(call_expression function: [(identifier) @call (member_expression property: (property_identifier) @call)])
(new_expression constructor: [(identifier) @call (member_expression property: (property_identifier) @call)])
