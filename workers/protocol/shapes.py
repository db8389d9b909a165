"""Named tuples to JSON and back, every type checked.

Unknown fields are ignored, absent fields take their default, a field of a wrong type is a
``ProtocolError`` that names its path.
"""

from typing import Any, Callable, Dict, List, Type, Union

MAX_ITEMS = 50_000
MAX_TEXT = 64 * 1024
MAX_NUMBER = 2.0**64  # far above any figure, and far from where sums of figures become infinite


class ProtocolError(ValueError):
    """What arrived is not the protocol: a length, a type, a shape. Says where in the message."""


Text = Callable[[str], str]
_Decoder = Callable[[Any, Text], Any]
_decoders: Dict[Any, _Decoder] = {}
_ABSENT = object()


def type_name(shape: Type[Any]) -> str:
    """``SignalProcess`` → ``signal_process``, the word in the JSON's ``type``."""
    name = shape.__name__
    return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))


def plain(value: Any) -> Any:
    """The JSON form of a shape: named tuples become objects, tuples become arrays."""
    if isinstance(value, tuple):
        fields = getattr(value, "_fields", None)
        if fields is None:
            return [plain(item) for item in value]
        return {name: plain(item) for name, item in zip(fields, value)}
    return value


def decode(shape: Any, value: Any, text: Text = str) -> Any:
    """Builds ``shape`` from parsed JSON, checking every type; ``text`` is applied to every string.

    Raises ProtocolError naming the path of the first field that does not fit.
    """
    found = _decoders.get(shape)
    if found is None:
        found = _decoders[shape] = _build(shape)
    return found(value, text)


def _build(shape: Any) -> _Decoder:
    if shape in _SCALARS:
        return _SCALARS[shape]
    if hasattr(shape, "_fields"):
        return _build_record(shape)
    origin = getattr(shape, "__origin__", None)
    arguments: Any = getattr(shape, "__args__", ())
    if origin is Union and len(arguments) == 2 and arguments[1] is type(None):
        inner = _build(arguments[0])
        return lambda value, text: None if value is None else inner(value, text)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _build_sequence(_build(arguments[0]))
    raise TypeError(f"no decoder for {shape!r}")


def _build_sequence(item: _Decoder) -> _Decoder:
    def sequence(value: Any, text: Text) -> Any:
        if type(value) is not list:
            raise ProtocolError(": wanted an array")
        if len(value) > MAX_ITEMS:
            raise ProtocolError(f": {len(value)} items, at most {MAX_ITEMS}")
        return tuple([item(entry, text) for entry in value])

    return sequence


def _build_record(shape: Any) -> _Decoder:
    defaults = shape._field_defaults
    fields = [
        (name, _build(kind), name in defaults, defaults.get(name))
        for name, kind in shape.__annotations__.items()
    ]

    def record(value: Any, text: Text) -> Any:
        if type(value) is not dict:
            raise ProtocolError(": wanted an object")
        found: List[Any] = []
        name = ""
        try:  # one for all fields: this loop runs for every figure of every node
            for name, decoder, optional, default in fields:
                item = value.get(name, _ABSENT)
                if item is not _ABSENT:
                    found.append(decoder(item, text))
                elif optional:
                    found.append(default)
                else:
                    raise ProtocolError(": absent")
        except ProtocolError as error:
            raise ProtocolError("." + name + str(error)) from None
        return tuple.__new__(shape, found)

    return record


def _integer(value: Any, text: Text) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**64:
        raise ProtocolError(": wanted a 64-bit integer")
    return value


def _number(value: Any, text: Text) -> float:
    if type(value) is int and abs(value) < 2**64:
        return float(value)
    if type(value) is not float or not -MAX_NUMBER < value < MAX_NUMBER:  # NaN is neither
        raise ProtocolError(": wanted a finite number below 2**64")
    return value


def _boolean(value: Any, text: Text) -> bool:
    if type(value) is not bool:
        raise ProtocolError(": wanted true or false")
    return value


def _string(value: Any, text: Text) -> str:
    if type(value) is not str:
        raise ProtocolError(": wanted a string")
    if len(value) > MAX_TEXT:
        raise ProtocolError(f": {len(value)} characters, at most {MAX_TEXT}")
    return text(value)


_SCALARS: Dict[Any, _Decoder] = {int: _integer, float: _number, bool: _boolean, str: _string}
