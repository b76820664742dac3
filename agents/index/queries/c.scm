; C.
(function_definition declarator: (function_declarator declarator: (identifier) @name)) @definition.function
(function_definition
  declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))) @definition.function
((comment) @doc
  . (function_definition declarator: (function_declarator declarator: (identifier) @name)) @definition.function)
(struct_specifier name: (type_identifier) @name body: (_)) @definition.class
(union_specifier name: (type_identifier) @name body: (_)) @definition.class
(enum_specifier name: (type_identifier) @name body: (_)) @definition.class
(type_definition declarator: (type_identifier) @name) @definition.class
(preproc_function_def name: (identifier) @name) @definition.function

(preproc_include path: (string_literal (string_content) @import))
(preproc_include path: (system_lib_string) @import)

; === references ===
(call_expression function: [(identifier) @call (field_expression field: (field_identifier) @call)])
