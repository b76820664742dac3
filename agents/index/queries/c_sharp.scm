; C#.
(class_declaration name: (identifier) @name) @definition.class
((comment) @doc . (class_declaration name: (identifier) @name) @definition.class)
(interface_declaration name: (identifier) @name) @definition.class
(struct_declaration name: (identifier) @name) @definition.class
(record_declaration name: (identifier) @name) @definition.class
(enum_declaration name: (identifier) @name) @definition.class
(base_list [(identifier) @base (generic_name (identifier) @base) (qualified_name name: (identifier) @base)])

(method_declaration name: (identifier) @name) @definition.function
((comment) @doc . (method_declaration name: (identifier) @name) @definition.function)
(constructor_declaration name: (identifier) @name) @definition.function
(property_declaration name: (identifier) @name) @definition.function
(delegate_declaration name: (identifier) @name) @definition.function
(local_function_statement name: (identifier) @name) @definition.function

(using_directive [(identifier) (qualified_name)] @import)

; === references ===
(invocation_expression function: [(identifier) @call (member_access_expression name: (identifier) @call)])
(object_creation_expression type: (identifier) @call)
