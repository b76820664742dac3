; Scala.
(class_definition name: (identifier) @name) @definition.class
((block_comment) @doc . (class_definition name: (identifier) @name) @definition.class)
(trait_definition name: (identifier) @name) @definition.class
(object_definition name: (identifier) @name) @definition.class
(enum_definition name: (identifier) @name) @definition.class
(extends_clause type: [(type_identifier) @base (generic_type type: (type_identifier) @base)])

(function_definition name: (identifier) @name) @definition.function
((block_comment) @doc . (function_definition name: (identifier) @name) @definition.function)
(function_declaration name: (identifier) @name) @definition.function
(given_definition name: (identifier) @name) @definition.function

(import_declaration path: (identifier) @import)

; === references ===
(call_expression function: [(identifier) @call (field_expression field: (identifier) @call)])
(instance_expression (type_identifier) @call)
