; Ruby.
(class name: [(constant) @name (scope_resolution name: (constant) @name)]) @definition.class
((comment) @doc . (class name: (constant) @name) @definition.class)
(module name: [(constant) @name (scope_resolution name: (constant) @name)]) @definition.class
(superclass [(constant) @base (scope_resolution name: (constant) @base)])

(method name: (_) @name) @definition.function
((comment) @doc . (method name: (_) @name) @definition.function)
(singleton_method name: (_) @name) @definition.function
((comment) @doc . (singleton_method name: (_) @name) @definition.function)

(call method: (identifier) @_require arguments: (argument_list (string (string_content) @import))
  (#any-of? @_require "require" "require_relative" "load" "autoload"))
(call method: (identifier) @_include arguments: (argument_list (constant) @base)
  (#any-of? @_include "include" "extend" "prepend"))

; === references ===
(call method: [(identifier) (constant)] @call)
