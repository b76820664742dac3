; Kotlin.
(class_declaration name: (identifier) @name) @definition.class
((block_comment) @doc . (class_declaration name: (identifier) @name) @definition.class)
(object_declaration name: (identifier) @name) @definition.class
(type_alias type: (identifier) @name) @definition.class
(delegation_specifier [(user_type (identifier) @base) (constructor_invocation (user_type (identifier) @base))])

(function_declaration name: (identifier) @name) @definition.function
((block_comment) @doc . (function_declaration name: (identifier) @name) @definition.function)
(property_declaration (variable_declaration (identifier) @name) (getter)) @definition.function

(import (qualified_identifier) @import)

; === references ===
(call_expression (identifier) @call)
(call_expression (navigation_expression (identifier) @call .))
