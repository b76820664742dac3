; C++, and headers of C.
(function_definition declarator: (function_declarator declarator: (_) @name)) @definition.function
((comment) @doc . (function_definition declarator: (function_declarator declarator: (_) @name)) @definition.function)
(function_definition
  declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name))) @definition.function
(function_definition
  declarator: (reference_declarator (function_declarator declarator: (_) @name))) @definition.function
(class_specifier name: (type_identifier) @name body: (_)) @definition.class
((comment) @doc . (class_specifier name: (type_identifier) @name body: (_)) @definition.class)
(struct_specifier name: (type_identifier) @name body: (_)) @definition.class
(union_specifier name: (type_identifier) @name body: (_)) @definition.class
(enum_specifier name: (type_identifier) @name body: (_)) @definition.class
(namespace_definition name: (namespace_identifier) @name) @definition.class
(type_definition declarator: (type_identifier) @name) @definition.class
(alias_declaration name: (type_identifier) @name) @definition.class
(preproc_function_def name: (identifier) @name) @definition.function
(base_class_clause [(type_identifier) @base (qualified_identifier name: (type_identifier) @base)])

(preproc_include path: (string_literal (string_content) @import))
(preproc_include path: (system_lib_string) @import)

; === references ===
(call_expression function: [
  (identifier) @call
  (field_expression field: (field_identifier) @call)
  (qualified_identifier name: (identifier) @call)
])
(new_expression type: (type_identifier) @call)
