; Rust. An impl block holds methods, under the name of its type.
(function_item name: (identifier) @name) @definition.function
((line_comment) @doc . (function_item name: (identifier) @name) @definition.function)
(function_signature_item name: (identifier) @name) @definition.function
(macro_definition name: (identifier) @name) @definition.function
(struct_item name: (type_identifier) @name) @definition.class
((line_comment) @doc . (struct_item name: (type_identifier) @name) @definition.class)
(enum_item name: (type_identifier) @name) @definition.class
(union_item name: (type_identifier) @name) @definition.class
(trait_item name: (type_identifier) @name) @definition.class
(impl_item type: [(type_identifier) @name (generic_type type: (type_identifier) @name)]) @definition.class
(mod_item name: (identifier) @name body: (_)) @definition.class
(impl_item trait: [(type_identifier) @base (scoped_type_identifier name: (type_identifier) @base)])
(trait_bounds (type_identifier) @base)

(use_declaration argument: (_) @import)
(mod_item name: (identifier) @import !body)

; === references ===
(call_expression function: [
  (identifier) @call
  (field_expression field: (field_identifier) @call)
  (scoped_identifier name: (identifier) @call)
])
(macro_invocation macro: (identifier) @call)
