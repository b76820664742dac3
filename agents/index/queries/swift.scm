; Swift. Classes, structs, enums, actors and extensions are one kind of node.
(class_declaration name: (type_identifier) @name) @definition.class
(class_declaration name: (user_type (type_identifier) @name)) @definition.class
((comment) @doc . (class_declaration name: (type_identifier) @name) @definition.class)
(protocol_declaration name: (type_identifier) @name) @definition.class
(inheritance_specifier inherits_from: (user_type (type_identifier) @base))

(function_declaration name: (simple_identifier) @name) @definition.function
((comment) @doc . (function_declaration name: (simple_identifier) @name) @definition.function)
(protocol_function_declaration name: (simple_identifier) @name) @definition.function
(init_declaration "init" @name) @definition.function
(property_declaration name: (pattern (simple_identifier) @name) computed_value: (_)) @definition.function

(import_declaration (identifier) @import)

; === references ===
(call_expression [(simple_identifier) @call (navigation_expression suffix: (navigation_suffix (simple_identifier) @call))])
