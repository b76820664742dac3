; Java.
(class_declaration name: (identifier) @name) @definition.class
((block_comment) @doc . (class_declaration name: (identifier) @name) @definition.class)
(interface_declaration name: (identifier) @name) @definition.class
((block_comment) @doc . (interface_declaration name: (identifier) @name) @definition.class)
(enum_declaration name: (identifier) @name) @definition.class
(record_declaration name: (identifier) @name) @definition.class
(annotation_type_declaration name: (identifier) @name) @definition.class
(superclass (type_identifier) @base)
(superclass (generic_type (type_identifier) @base))
(super_interfaces (type_list (type_identifier) @base))
(super_interfaces (type_list (generic_type (type_identifier) @base)))

(method_declaration name: (identifier) @name) @definition.function
((block_comment) @doc . (method_declaration name: (identifier) @name) @definition.function)
(constructor_declaration name: (identifier) @name) @definition.function
((block_comment) @doc . (constructor_declaration name: (identifier) @name) @definition.function)

(import_declaration (scoped_identifier) @import)

; === references ===
(method_invocation name: (identifier) @call)
(object_creation_expression type: (type_identifier) @call)
