; PHP.
(class_declaration name: (name) @name) @definition.class
((comment) @doc . (class_declaration name: (name) @name) @definition.class)
(interface_declaration name: (name) @name) @definition.class
(trait_declaration name: (name) @name) @definition.class
(enum_declaration name: (name) @name) @definition.class
(base_clause [(name) @base (qualified_name (name) @base)])
(class_interface_clause [(name) @base (qualified_name (name) @base)])
(use_declaration [(name) @base (qualified_name (name) @base)])

(function_definition name: (name) @name) @definition.function
((comment) @doc . (function_definition name: (name) @name) @definition.function)
(method_declaration name: (name) @name) @definition.function
((comment) @doc . (method_declaration name: (name) @name) @definition.function)

(namespace_use_clause [(name) (qualified_name)] @import)
(include_expression (string (string_content) @import))
(require_expression (string (string_content) @import))
(require_once_expression (string (string_content) @import))

; === references ===
(function_call_expression function: [(name) @call (qualified_name (name) @call)])
(member_call_expression name: (name) @call)
(scoped_call_expression name: (name) @call)
(object_creation_expression [(name) @call (qualified_name (name) @call)])
