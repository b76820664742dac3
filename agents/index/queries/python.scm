; Python. Decorators belong to what they decorate: of two matches with one name the larger is kept.
(class_definition name: (identifier) @name) @definition.class
(decorated_definition definition: (class_definition name: (identifier) @name)) @definition.class
(function_definition name: (identifier) @name) @definition.function
(decorated_definition definition: (function_definition name: (identifier) @name)) @definition.function

(class_definition superclasses: (argument_list [(identifier) @base (attribute attribute: (identifier) @base)]))

(module . (comment)* . (expression_statement (string) @doc))
(class_definition body: (block . (expression_statement (string) @doc)))
(function_definition body: (block . (expression_statement (string) @doc)))

(import_statement name: [(dotted_name) @import (aliased_import name: (dotted_name) @import)])
(import_from_statement module_name: (_) @import)

; === references ===
(call function: [(identifier) @call (attribute attribute: (identifier) @call)])
