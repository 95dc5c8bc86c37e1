"""Several spans for one production: create and send, one library's span inside of another's."""

from __future__ import annotations

from graph.chain.carrying import Carrying
from graph.chain.known import consumes, produces, relations_of
from graph.chain.names import may_be_same, normal_id
from graph.model import Operation, OperationType, SpanContext


class Productions:
    """Producing spans by the production that they take part in."""

    def __init__(self, carrying: Carrying) -> None:
        self.known = carrying.known
        self._carrying = carrying
        self._roots: dict[SpanContext, tuple[SpanContext, ...]] = {}
        self._members: dict[SpanContext, tuple[SpanContext, ...]] = {}
        self._again: dict[SpanContext, SpanContext | None] = {}
        self._inner: dict[SpanContext, tuple[SpanContext, ...]] = {}
        self._below: dict[SpanContext, tuple[tuple[Operation, ...], tuple[SpanContext, ...]]] = {}

    def roots(self, context: SpanContext) -> tuple[SpanContext, ...]:
        """The outermost spans of the productions that a producing span takes part in.

        A send belongs to the create that it links to or runs in; a send around several others
        is shared by their events. Otherwise it is itself.
        """
        if context not in self._roots:
            self._roots[context] = (context,)  # for links in a circle
            self._roots[context] = self._found_roots(context)
        return self._roots[context]

    def _found_roots(self, context: SpanContext) -> tuple[SpanContext, ...]:
        operation = self.known.operations[context]
        linked = [
            relation.target
            for relation in relations_of(operation)
            if relation.kind == "link" and self.sends(operation, relation.target)
        ]
        if linked:
            return tuple(dict.fromkeys(root for one in linked for root in self.roots(one)))
        outer = self.outer(context)
        if outer is not None and (
            self.known.operations[outer].type is OperationType.CREATE
            or self.inner(outer) == (context,)
        ):
            return self.roots(outer)
        inner = self.inner(context)
        if (
            len(inner) > 1
            and operation.type is not OperationType.CREATE
            and not self._carrying.carried(context)
        ):
            return tuple(dict.fromkeys(root for one in inner for root in self.roots(one)))
        return (context,)

    def sends(self, operation: Operation, target: SpanContext) -> bool:
        """Whether a producing span links to the creation of what it sends."""
        created = self.known.operations.get(target)
        return (
            created is not None
            and target != operation.context
            and produces(created)
            and created.service == operation.service
            and may_be_same(created.destination, operation.destination)
            and (
                created.type is OperationType.CREATE
                or not self._carrying.carried(operation.context)
            )
        )

    def again(self, context: SpanContext) -> SpanContext | None:
        """The first sending of what this span sends once more: a message with the id, and to the
        destination, of the one in whose handling it is sent."""
        if context not in self._again:
            self._again[context] = None  # for spans that point at each other
            self._again[context] = self._found_again(context)
        return self._again[context]

    def _found_again(self, context: SpanContext) -> SpanContext | None:
        operation = self.known.operations[context]
        if not operation.message_id or not operation.destination:
            return None
        around = self._nearest(context)
        if around is None or not consumes(around) or around.service != operation.service:
            return None
        for relation in relations_of(around):
            sent = self.known.operations.get(relation.target)
            if sent is not None and produces(sent) and _same_message(sent, operation):
                return self.again(sent.context) or sent.context
        return None

    def _nearest(self, context: SpanContext) -> Operation | None:
        """The nearest messaging operation above a span."""
        above = map(self.known.operations.get, self.known.ancestors(context))
        return next(filter(None, above), None)

    def outer(self, context: SpanContext) -> SpanContext | None:
        """The producing span that this one runs in, for the same destination and service."""
        operation = self.known.operations[context]
        for above in self.known.ancestors(context):
            around = self.known.operations.get(above)
            if around is None:
                if self.known.service(above) != operation.service:
                    return None
                continue
            is_around = (
                produces(around)
                and around.service == operation.service
                and may_be_same(around.destination, operation.destination)
                and (
                    around.type is OperationType.CREATE
                    or around.start <= operation.start <= around.end
                )
            )
            return above if is_around else None
        return None

    def inner(self, context: SpanContext) -> tuple[SpanContext, ...]:
        """The producing spans that run in this one."""
        if context not in self._inner:
            operations, _ = self.below(context)
            self._inner[context] = tuple(
                sorted(
                    operation.context
                    for operation in operations
                    if produces(operation) and self.outer(operation.context) == context
                )
            )
        return self._inner[context]

    def members(self, root: SpanContext) -> tuple[SpanContext, ...]:
        """All producing spans of one production, the root first."""
        if root not in self._members:
            found = {root: None}
            todo = [root]
            while todo:
                context = todo.pop()
                near = [*self.inner(context), *self._linking(context)]
                outer = self.outer(context)
                if outer is not None:
                    near.append(outer)
                for other in near:
                    if other not in found and root in self.roots(other):
                        found[other] = None
                        todo.append(other)
            self._members[root] = (root, *sorted(found.keys() - {root}))
        return self._members[root]

    def _linking(self, context: SpanContext) -> list[SpanContext]:
        operations = self.known.operations
        sources = self.known.pointing.get(context, ())
        return [source for source in sources if produces(operations[source])]

    def below(self, context: SpanContext) -> tuple[tuple[Operation, ...], tuple[SpanContext, ...]]:
        """The nearest messaging operations below a span, and the plain spans in between."""
        if context not in self._below:
            operations, plain = [], []
            seen = {context}
            todo = [context]
            while todo:
                for child in self.known.children.get(todo.pop(), ()):
                    if child in seen:
                        continue
                    seen.add(child)
                    operation = self.known.operations.get(child)
                    if operation:
                        operations.append(operation)
                    else:
                        plain.append(child)
                        todo.append(child)
            operations.sort(key=lambda operation: operation.context)
            self._below[context] = (tuple(operations), tuple(sorted(plain)))
        return self._below[context]


def _same_message(one: Operation, other: Operation) -> bool:
    return (
        normal_id(one.message_id) == normal_id(other.message_id)
        and one.destination == other.destination
    )
