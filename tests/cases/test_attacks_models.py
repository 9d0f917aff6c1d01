"""A bundle that nobody has signed cannot stop judging: known operators only, bounded sizes, a watched evaluation."""

import time
from contextlib import closing, suppress

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from pydantic import TypeAdapter, ValidationError

from gateway.config.bundles import bundle_files
from gateway.contract.model_names import ModelName
from gateway.errors import BundleRefusedError, InferenceError, InferenceStoppedError
from gateway.inference.bundle import GOLDEN, MANIFEST, REFERENCE, check_golden, golden_csv, read_bundle
from gateway.inference.graph_limits import LARGEST_CONSTANT, MOST_ROWS, check_graph
from gateway.inference.onnx_graph import read_graph
from gateway.inference.onnx_operator_inputs import KnownInputs
from gateway.inference.onnx_operator_results import OPERATORS
from gateway.inference.protobuf import Message, NotProtobufError
from gateway.inference.tree_limits import DEEPEST_TREE
from gateway.line.definition import Stage
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS
from gateway.transport import onnx as transport
from gateway.transport.onnx import load_model, session_of
from tests.fixtures.building import assignment, bundle, line
from tests.fixtures.store_bench import Bench
from tests.inference.test_bundle import MODELS

DOUBLE = TensorProto.DOUBLE
OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]


def model_of(*nodes, constants=(), inputs=4, output="said", opsets=OPSETS, **more):
    graph = helper.make_graph(
        list(nodes), "g", [helper.make_tensor_value_info("features", DOUBLE, [None, inputs])],
        [helper.make_tensor_value_info(output, DOUBLE, None)], initializer=list(constants),
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **more)


def constant(name, value):
    return numpy_helper.from_array(np.asarray(value), name)


def refused(model, match):
    content = model if isinstance(model, bytes) else model.SerializeToString()
    with pytest.raises(BundleRefusedError, match=match) as caught:
        load_model(content, inputs=4, columns=1, where="model.onnx")
    assert caught.value.hint
    return caught.value


def node(kind, *inputs, output="said", domain="", **attributes):
    return helper.make_node(kind, list(inputs), [output], domain=domain, **attributes)


def endless():
    """A loop that is taken only where the first input is large: golden vectors never see it."""

    def info(name, kind, shape=()):
        return helper.make_tensor_value_info(name, kind, shape)

    body = helper.make_graph(
        [helper.make_node("Identity", ["go_on"], ["still"]), helper.make_node("Sin", ["value"], ["next"])],
        "body",
        [info("i", TensorProto.INT64), info("go_on", TensorProto.BOOL), info("value", DOUBLE, None)],
        [info("still", TensorProto.BOOL), info("next", DOUBLE, None)],
    )  # fmt: skip
    nodes = [
        node("ReduceMax", "features", output="largest", keepdims=0),
        node("Greater", "largest", "limit", output="large"),
        node("ReduceSum", "features", "axis", output="sum", keepdims=1),
        helper.make_node("Loop", ["", "large", "sum"], ["said"], body=body),
    ]
    return model_of(*nodes, constants=[constant("limit", 100.0), constant("axis", np.array([1]))])


# --- 8: what is in a model ------------------------------------------------------------------------------


def branch():
    one = helper.make_graph([node("Identity", "features", output="x")], "one", [],
                            [helper.make_tensor_value_info("x", DOUBLE, None)])  # fmt: skip
    return model_of(
        node("ReduceMax", "features", output="m", keepdims=0),
        node("Greater", "m", "c", output="b"),
        helper.make_node("If", ["b"], ["said"], then_branch=one, else_branch=one),
        constants=[constant("c", 1.0)],
    )


def functions():
    own = helper.make_function("own", "Endless", ["x"], ["y"], [node("Identity", "x", output="y")], OPSETS[:1])
    return model_of(node("Endless", "features", domain="own"), functions=[own],
                    opsets=[*OPSETS, helper.make_opsetid("own", 1)])  # fmt: skip


def elsewhere():
    kept = constant("w", np.ones((4, 1)))
    kept.ClearField("raw_data")
    kept.data_location = TensorProto.EXTERNAL
    entry = kept.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return model_of(node("MatMul", "features", "w"), constants=[kept])


def hidden_elsewhere():
    tensor = elsewhere().graph.initializer[0]
    return model_of(node("Constant", output="w", value=tensor), node("MatMul", "features", "w"))


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (endless(), "operator Loop"),
        (branch(), "operator If"),
        (functions(), "functions of its own"),
        (elsewhere(), "outside the file"),
        (hidden_elsewhere(), "outside the file"),
        (model_of(node("CDist", "features", "features", domain="com.microsoft")), "operator com.microsoft.CDist"),
        (model_of(node("Scan", "features", num_scan_inputs=1)), "operator Scan"),
        (model_of(node("NonZero", "features")), "operator NonZero"),
        (model_of(node("Expand", "features", "s"), constants=[constant("s", np.array([10**9, 4]))]), "operator Expand"),
        (model_of(node("Tile", "features", "s"), constants=[constant("s", np.array([10**9, 1]))]), "operator Tile"),
        (model_of(node("ConstantOfShape", "s"), constants=[constant("s", np.array([10**9]))]), "ConstantOfShape"),
        (model_of(node("Range", "a", "b", "c")), "operator Range"),
        (model_of(node("Cast", "features", to=TensorProto.STRING)), "something else than numbers"),
        (model_of(node("Reshape", "features", "features")), "its shape is computed"),
        (model_of(node("Squeeze", "features")), "which axes"),
        (model_of(node("Abs", "nowhere")), "nothing before it has computed"),
        (model_of(node("MatMul", "features", "features"), node("Abs", "features")), "computed twice"),
        (b"rubbish", "not a model"),
        (b"", "no graph"),
    ],
)
def test_attacks_08_what_may_not_end_or_stands_elsewhere_is_refused_before_the_runtime_sees_it(
    model, match, monkeypatch
):
    monkeypatch.setattr(transport, "session_of", lambda *_a, **_k: pytest.fail("it reached the runtime"))
    refused(model, match)


@pytest.mark.parametrize(
    ("nodes", "constants"),
    [
        # 3.2 GB out of two short lists: (n, 1) x (1, m)
        ([node("Unsqueeze", "a", "one", output="column"), node("Mul", "column", "a")],
         {"a": np.ones(20_000), "one": np.array([1])}),
        ([node("MatMul", "column", "row")], {"column": np.ones((20_000, 1)), "row": np.ones((1, 20_000))}),
        # each step is small, all of them are not
        ([node("Concat", *["features"] * 8, output="c1", axis=1),
          *(node("Concat", *[f"c{at}"] * 8, output=f"c{at + 1}" if at < 7 else "said", axis=1) for at in range(1, 8))],
         {}),
        ([node("Gather", "features", "many", axis=1)], {"many": np.zeros(40_000, np.int64)}),
        ([node("Gemm", "features", "w")], {"w": np.ones((4, 100_000))}),
    ],
)  # fmt: skip
def test_attacks_08_a_tensor_that_would_be_too_large_is_refused_before_anything_is_allocated(nodes, constants):
    kept = [constant(name, value) for name, value in constants.items()]
    begun = time.monotonic()
    refused(model_of(*nodes, constants=kept), "more than|too much")
    assert time.monotonic() - begun < 5


def test_attacks_08_a_constant_that_only_says_that_it_is_large_is_refused():
    liar = constant("w", np.ones((4, 1)))
    liar.dims[:] = [4, LARGEST_CONSTANT]
    refused(model_of(node("MatMul", "features", "w"), constants=[liar]), "more than")


def test_attacks_08_work_without_memory_is_bounded_too():
    side = 600
    nodes = [node("MatMul", "features", "first", output="m0")]
    nodes += [node("MatMul", f"m{at}", "w", output=f"m{at + 1}") for at in range(5)]
    constants = [constant("first", np.ones((4, side))), constant("w", np.ones((side, side)))]
    refused(model_of(*nodes, node("Abs", "m5"), constants=constants), "multiplications, which is too much")


def trees(*rows):
    """A regressor of trees: (node, on true, on false, mode) each."""
    count = len(rows)
    return model_of(
        helper.make_node(
            "TreeEnsembleRegressor", ["features"], ["said"], domain="ai.onnx.ml", n_targets=1,
            nodes_treeids=[0] * count, nodes_nodeids=[row[0] for row in rows], nodes_featureids=[0] * count,
            nodes_values=[0.0] * count, nodes_truenodeids=[row[1] for row in rows],
            nodes_falsenodeids=[row[2] for row in rows], nodes_modes=[row[3] for row in rows],
            target_treeids=[0], target_nodeids=[rows[-1][0]], target_ids=[0], target_weights=[1.0],
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ([(0, 1, 2, "BRANCH_LEQ"), (1, 0, 2, "BRANCH_LEQ"), (2, 0, 0, "LEAF")], "leads back"),
        ([(0, 0, 1, "BRANCH_LEQ"), (1, 0, 0, "LEAF")], "leads back"),
        ([(0, 1, 9, "BRANCH_LEQ"), (1, 0, 0, "LEAF")], "which is not there"),
        ([(0, 1, 1, "BRANCH_LEQ"), (0, 1, 1, "BRANCH_LEQ"), (1, 0, 0, "LEAF")], "stands twice"),
        ([*((at, at + 1, at + 1, "BRANCH_LEQ") for at in range(DEEPEST_TREE + 1)), (DEEPEST_TREE + 1, 0, 0, "LEAF")],
         "deeper than"),
    ],
)  # fmt: skip
def test_attacks_08_a_tree_in_which_a_path_never_ends_is_refused(rows, match):
    refused(trees(*rows), match)


def test_attacks_08_a_tree_whose_branches_meet_again_is_taken():
    rows = [(0, 1, 2, "BRANCH_LEQ"), (1, 3, 3, "BRANCH_LEQ"), (2, 3, 3, "BRANCH_LEQ"), (3, 0, 0, "LEAF")]
    check_graph(trees(*rows).SerializeToString(), inputs=4, where="model.onnx")


def test_attacks_08_a_graph_in_two_halves_is_read_as_the_runtime_merges_it():
    whole = endless().SerializeToString()
    harmless = model_of(node("ReduceSum", "features", "axis", keepdims=1), constants=[constant("axis", [1])])
    refused(harmless.SerializeToString() + whole, "Loop|computed twice|same name")
    assert {each.op_type for each in read_graph(harmless.SerializeToString() + whole[:0]).nodes} == {"ReduceSum"}


@given(st.binary(max_size=200))
def test_attacks_08_any_bytes_are_a_message_or_refused(data):
    with suppress(NotProtobufError):
        Message(data)
    with pytest.raises(BundleRefusedError):
        check_graph(data, inputs=4, where="model.onnx")


@settings(max_examples=40)
@given(st.data())
def test_attacks_08_no_single_changed_byte_of_a_model_makes_the_check_fail_otherwise_than_by_refusing(data):
    content = bytearray(trees((0, 1, 2, "BRANCH_LEQ"), (1, 0, 0, "LEAF"), (2, 0, 0, "LEAF")).SerializeToString())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255))
    with suppress(BundleRefusedError):
        check_graph(bytes(content), inputs=4, where="model.onnx")


sizes = st.integers(1, 6)


@settings(max_examples=25)
@given(width=sizes, hidden=sizes, rows=st.integers(1, 9), keep=st.booleans())
def test_attacks_08_no_result_is_larger_than_its_bound(width, hidden, rows, keep):
    """The runtime's own shapes, of every step, against the bounds for the largest batch."""
    nodes = [
        node("MatMul", "features", "w", output="a"),
        node("Relu", "a", output="b"),
        node("Concat", "a", "b", output="c", axis=1),
        node("Transpose", "c", output="d", perm=[1, 0]),
        node("ReduceMean", "d", output="e", axes=[0], keepdims=int(keep)),
        node("Reshape", "c", "s", output="f"),
        node("Mul", "c", "z", output="said"),
    ]
    constants = [constant("w", np.ones((width, hidden))), constant("s", np.array([-1, 1])), constant("z", [[2.0]])]
    model = model_of(*nodes, constants=constants, inputs=width)
    for name in "abcdef":
        model.graph.output.append(helper.make_tensor_value_info(name, DOUBLE, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = session.run(None, {"features": np.ones((rows, width))})
    bounds = bounds_of(model.SerializeToString(), width)
    for each, value in zip(session.get_outputs(), found, strict=True):
        assert len(value.shape) == len(bounds[each.name])
        assert all(size <= bound for size, bound in zip(value.shape, bounds[each.name], strict=True))


def bounds_of(model, inputs):
    graph, found = read_graph(model), {}
    shapes = {name: each.dims for name, each in graph.constants.items()} | {"features": (MOST_ROWS, inputs)}
    for each in graph.nodes:
        known = KnownInputs(
            each, tuple(shapes[name] for name in each.inputs), tuple(graph.constants.get(name) for name in each.inputs)
        )
        for name, shape in zip(each.outputs, OPERATORS[each.op_type](known).shapes, strict=True):
            shapes[name] = found[name] = shape
    return found


# --- 8: what is around a model ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b"window_seconds = 1.5", b"window_seconds = 1e12", "window_seconds"),
        (b"lag_seconds = 1.0", b"lag_seconds = 1e12", "lag_seconds"),
        (b"resolution = 0.05", b"resolution = 1e-300", "finer than a millionth"),
        (
            b"resolution = 0.05",
            b'resolution = 0.05\ninterlocks = [{tag = "mode", within = [2, 1]}]',
            "lower limit above",
        ),
    ],
)
def test_attacks_08_a_manifest_that_asks_for_more_than_a_tick_can_do_is_refused(before, after, message):
    files = bundle_files(MODELS / "viscosity" / "1.0.0")
    assert before in files[MANIFEST]
    with pytest.raises(BundleRefusedError, match=message):
        read_bundle({**files, MANIFEST: files[MANIFEST].replace(before, after, 1)}, where="here")


@pytest.mark.parametrize("name", [MANIFEST, REFERENCE, GOLDEN])
def test_attacks_08_a_text_of_a_bundle_that_is_too_large_is_refused_unread(name):
    files = bundle_files(MODELS / "viscosity" / "1.0.0")
    with pytest.raises(BundleRefusedError, match=f"{name} has more than"):
        read_bundle({**files, name: b" " * (2**24 + 1)}, where="here")


# --- 8: how long it may take ----------------------------------------------------------------------------


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(transport, "LONGEST_CPU_SECONDS", 0.05)


def test_attacks_08_an_evaluation_that_does_not_end_is_stopped_and_not_begun_again(short):
    predict = session_of(endless().SerializeToString(), inputs=4, columns=1, where="model.onnx")
    assert predict(np.ones((1, 4))).tolist() == [[4.0]]
    begun = time.monotonic()
    with pytest.raises(InferenceStoppedError, match="took more than"):
        predict(np.full((1, 4), 1000.0))
    assert time.monotonic() - begun < 3
    begun = time.monotonic()
    with pytest.raises(InferenceStoppedError, match="not evaluated again"):
        predict(np.ones((1, 4)))
    assert time.monotonic() - begun < 0.05


def test_attacks_08_a_bundle_whose_largest_batch_takes_too_long_is_refused_at_load():
    inputs = bundle().inputs

    def predict(rows):
        if len(rows) >= MOST_ROWS:
            raise InferenceStoppedError("an evaluation took more than 1 s")
        return rows.sum(axis=1, keepdims=True)

    golden = golden_csv(tuple(each.name for each in inputs), np.ones((3, 1)), np.ones((3, 1)))
    with pytest.raises(BundleRefusedError, match="took more than 1 s"):
        check_golden({GOLDEN: golden}, bundle(), predict, where="here")


def slow(_rows):
    raise InferenceStoppedError("an evaluation took more than 1 s")


@pytest.mark.parametrize("stage", [Stage.ADVISE, Stage.SHADOW])
def test_attacks_08_a_model_that_was_stopped_abstains_and_goes_into_shadow_until_a_person_has_looked(tmp_path, stage):
    bench = Bench(tmp_path)
    with closing(bench.connection):
        bench.order()
        bench.model_due(81.0, setpoint=81.0)
        bench.line = line(models=(assignment(predict=slow, stage=stage),))
        bench.now_ns += SECOND_NS
        bench.model_due(81.0, setpoint=81.0)
        assert bench.rows("SELECT code FROM latch") == [("MODEL_TOO_SLOW_VISCOSITY",)]
        said = bench.rows("SELECT accepted, body FROM prediction ORDER BY rowid")[-1]
        assert said[0] == 0
        assert "MODEL_TOO_SLOW" in said[1]
        assert bench.rows("SELECT DISTINCT state FROM guidance") == [("withdrawn",)]
        bench.line = line()
        told = len(bench.sent("guidance"))
        bench.now_ns += 61 * SECOND_NS
        bench.model_due(81.0, setpoint=81.0)
        assert len(bench.sent("guidance")) == told  # still in shadow
        bench.result({"sample_id": "S-1", "test_id": "Viscosity", "value": 100.0, "unit": "mPa.s",
                      "status": "approved", "material_lot_id": "LOT/1"})  # fmt: skip
        assert bench.sent("disposition")[-1]["recommendation"] == "release"  # results are judged as ever
        bench.connection.execute(SQL["unlatch"], {"code": "MODEL_TOO_SLOW_VISCOSITY"})
        bench.now_ns += 61 * SECOND_NS
        bench.model_due(81.0, setpoint=81.0)
        assert len(bench.sent("guidance")) > told


def test_attacks_08_an_error_of_the_model_that_is_no_stop_latches_nothing(tmp_path):
    bench = Bench(tmp_path)

    def failing(_rows):
        raise InferenceError("no")

    with closing(bench.connection):
        bench.line = line(models=(assignment(predict=failing),))
        bench.order()
        bench.model_due(81.0, setpoint=81.0)
        assert bench.rows("SELECT code FROM latch") == []


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "..", "", "x\x1b[2J", "a b", "x_candidate", "x" * 65, "a/b"])
def test_attacks_08_a_name_that_is_a_path_or_acts_on_a_terminal_is_no_models(name):
    with pytest.raises(ValidationError):
        TypeAdapter(ModelName).validate_python(name)


@pytest.mark.parametrize("name", ["viscosity", "debutanizer_c4", "1.0.0", "2.0-rc.1+b7", "_x"])
def test_attacks_08_names_and_versions_that_bundles_have_are_taken(name):
    assert TypeAdapter(ModelName).validate_python(name) == name
