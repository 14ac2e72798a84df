"""Loops that borrow their arrays from Python instead of counting references to them. Import it late: it imports numba.

Numba counts the references to an array each time that a row of it is taken, by atomic additions that all threads make
to one number. The caller of a loop holds its arrays until the loop returns, and no loop keeps or returns one, so there
is nothing to count.
"""

from __future__ import annotations

from typing import Any

from numba.core import ir, types
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.extending import intrinsic
from numba.core.untyped_passes import IRProcessing


def _borrow(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """The same array without its owner; of a tuple, all arrays in it."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value=value)
        array.meminfo = array.meminfo.type(None)
        array.parent = array.parent.type(None)
        return array._getvalue()  # noqa: SLF001 - the way that numba's own code has it
    if isinstance(kind, types.Tuple | types.UniTuple | types.NamedTuple | types.NamedUniTuple):
        for i, part in enumerate(kind.types):
            inside = _borrow(context, builder, part, builder.extract_value(value, i))
            value = builder.insert_value(value, inside, i)
    return value


@intrinsic
def borrowed(_: Any, argument: Any) -> Any:
    """Return an argument of a loop, its arrays without their owners."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _borrow(context, builder, signature.args[0], arguments[0])

    return argument(argument), generate


@register_pass(mutates_CFG=False, analysis_only=False)
class BorrowArguments(FunctionPass):
    """Call `borrowed` on every argument of a function where it begins."""

    _name = "borrow_arguments"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        """Insert the calls; returns True, for the function is changed."""
        first = state.func_ir.blocks[min(state.func_ir.blocks)]
        body = []
        for statement in first.body:
            body.append(statement)
            if isinstance(statement, ir.Assign) and isinstance(statement.value, ir.Arg):
                target, where = statement.target, statement.loc
                own = ir.Var(target.scope, f"owned.{target.name}", where)
                call = ir.Var(target.scope, f"borrow.{target.name}", where)
                body[-1:] = [
                    ir.Assign(statement.value, own, where),
                    ir.Assign(ir.Global("borrowed", borrowed, where), call, where),
                    ir.Assign(ir.Expr.call(call, (own,), (), where), target, where),
                ]
        first.body = body
        return True


class LoopCompiler(CompilerBase):
    """Numba's compiler with `BorrowArguments`."""

    def define_pipelines(self) -> list[Any]:
        """See numba."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(BorrowArguments, IRProcessing)
        passes.finalize()
        return [passes]
