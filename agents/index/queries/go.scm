; Go. A method stands outside its type: its receiver is written as a base, so that the type's name leads to it.
(function_declaration name: (identifier) @name) @definition.function
((comment) @doc . (function_declaration name: (identifier) @name) @definition.function)
(method_declaration name: (field_identifier) @name) @definition.function
((comment) @doc . (method_declaration name: (field_identifier) @name) @definition.function)
(type_declaration (type_spec name: (type_identifier) @name)) @definition.class
((comment) @doc . (type_declaration (type_spec name: (type_identifier) @name)) @definition.class)
(type_spec type: (struct_type (field_declaration_list (field_declaration !name type: (type_identifier) @base))))

(import_spec path: (interpreted_string_literal (interpreted_string_literal_content) @import))

; === references ===
(call_expression function: [(identifier) @call (selector_expression field: (field_identifier) @call)])
(composite_literal type: (type_identifier) @call)
