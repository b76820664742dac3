; JavaScript. A function counts by the name it is bound to: declaration, method, variable, property.
(class_declaration name: (identifier) @name) @definition.class
((comment) @doc . (class_declaration name: (identifier) @name) @definition.class)
(variable_declarator name: (identifier) @name value: (class)) @definition.class
(class_heritage (identifier) @base)
(class_heritage (member_expression property: (property_identifier) @base))

(function_declaration name: (identifier) @name) @definition.function
((comment) @doc . (function_declaration name: (identifier) @name) @definition.function)
(generator_function_declaration name: (identifier) @name) @definition.function
(method_definition name: [(property_identifier) (private_property_identifier)] @name) @definition.function
((comment) @doc . (method_definition name: (property_identifier) @name) @definition.function)
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression)]) @definition.function
(field_definition property: (property_identifier) @name value: (arrow_function)) @definition.function
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
