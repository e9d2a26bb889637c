"""Tests of the benchmark harness, without measuring anything."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import bench
import onednn
import page


def steps(ms, system="modern", precision="bf16", threads=2, **other):
    """A result of `forger bench steps`."""
    return {
        "system": system,
        "batch": 16,
        "threads": threads,
        "precision": precision,
        "ms_per_step": ms,
        "images_per_second": 16e3 / ms,
        "flops_per_step": 2e9,
        "peak_memory_bytes": 300 << 20,
    } | other


class Arguments(unittest.TestCase):
    def parsed(self, line):
        paths = [f"--{name}=x" for name in ("root", "forger", "data", "scratch", "cache", "run")]
        with unittest.mock.patch("sys.argv", ["bench.py", *line.split(), *paths, "--libtorch=2"]):
            return bench.arguments()

    def test_typed_options_count_and_later_paths_replace_typed_ones(self):
        args = self.parsed("--only peak,formats --only steps --pairs 2 --run typed --quick")
        self.assertEqual(args.only, ["peak", "formats", "steps"])
        self.assertEqual((args.pairs, args.seconds, args.run), (2, 0.3, Path("x")))

    def test_an_unknown_part_is_refused(self):
        with contextlib.redirect_stderr(io.StringIO()) as messages, self.assertRaises(SystemExit):
            self.parsed("--only stpes")
        self.assertIn("stpes", messages.getvalue())


class Numbers(unittest.TestCase):
    def test_number_has_three_significant_digits(self):
        for value, text in [
            (12_345.6, "12,346"),
            (100.4, "100"),
            (99.96, "100"),
            (99.94, "99.9"),
            (9.996, "10.0"),
            (9.994, "9.99"),
            (0.9996, "1.00"),
            (0.12345, "0.123"),
            (0.01234, "0.0123"),
            (-250.0, "-250"),
            (-1250.0, "-1,250"),
            (0.0, "0.0000"),
            (float("nan"), "–"),
            (None, "–"),
        ]:
            self.assertEqual(page.number(value), text)

    def test_spread_takes_the_middle_or_the_mean_of_the_middle_two(self):
        self.assertEqual(page.spread([9.0, 1.0, 2.0]), "2.00 (1.00 to 9.00)")
        self.assertEqual(page.spread([4.0, 1.0, 2.0, 30.0]), "3.00 (1.00 to 30.0)")

    def test_ratios_are_taken_within_pairs(self):
        # The machine halves its speed after each pair; the ratio stays the same.
        each = page.ratios([8.0, 4.0, 2.1], [4.0, 2.0, 1.0])
        self.assertEqual(page.spread(each), "2.00 (2.00 to 2.10)")
        with self.assertRaises(ValueError):
            page.ratios([1.0, 2.0], [1.0])

    def test_measurements_take_turns(self):
        calls = []
        work = {(name,): lambda name=name: calls.append(name) or len(calls) for name in "ab"}
        with contextlib.redirect_stderr(io.StringIO()):
            results = bench.in_turn(3, work)
        self.assertEqual("".join(calls), "ababab")
        self.assertEqual(results, {("a",): [1, 3, 5], ("b",): [2, 4, 6]})


class Page(unittest.TestCase):
    TEXT = "# A\n<!-- measured: steps -->\nold\n<!-- end of steps -->\nB\n<!-- measured: peak -->\n<!-- end of peak -->\n"

    def test_a_part_is_replaced_and_the_rest_stays(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "page.md"
            path.write_text(self.TEXT)
            page.write_part(path, "steps", "| \\1 |\n")
            self.assertEqual(path.read_text(), self.TEXT.replace("old\n", "| \\1 |\n"))
            page.write_part(path, "steps", "old\n")
            self.assertEqual(path.read_text(), self.TEXT)
            self.assertEqual(list(Path(folder).iterdir()), [path])

    def test_a_page_without_the_markers_is_an_error(self):
        for text in ("", "<!-- measured: formats -->\n", self.TEXT + self.TEXT):
            with self.assertRaises(SystemExit):
                page.replace_part(text, "steps", "x")

    def test_the_page_has_a_place_for_every_part_in_order(self):
        text = (Path(__file__).parents[1] / "docs/benchmarks.md").read_text(encoding="utf-8")
        at = [text.index(f"<!-- measured: {part} -->") for part in bench.PARTS]
        self.assertEqual(at, sorted(at))
        for part in bench.PARTS:
            self.assertEqual(page.replace_part(text, part, "x").count("x<!-- end of"), 1)

    def test_peers_are_measured_only_on_request_and_the_peak_with_the_steps(self):
        most = ["steps", "scaling", "operators", "sampling", "formats"]
        self.assertEqual(bench.selected(None, False), most)
        self.assertEqual(bench.selected(None, True), ["steps", "peers", *most[1:]])
        self.assertEqual(bench.selected(["formats", "peak"], False), ["peak", "formats"])
        self.assertEqual(bench.selected(["peak", "steps"], False), ["steps"])
        self.assertEqual(bench.selected(["peers"], True), ["peers"])


class Machine(unittest.TestCase):
    def test_cpuinfo_tells_the_processor_and_bf16(self):
        cpuinfo = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx512_bf16 sse\n\n"
        self.assertEqual(page.field(cpuinfo, "model name"), "AMD EPYC")
        self.assertTrue(page.has_bf16(cpuinfo))
        self.assertTrue(page.has_bf16("Features : fp bf16"))
        self.assertFalse(page.has_bf16("flags : avx512f avx512_bf16x\n"))
        self.assertFalse(page.has_bf16(""))

    def test_the_line_names_the_versions_and_the_commit(self):
        line = page.machine(Path(__file__).parents[1], "2.13.0")
        self.assertRegex(line, r"libtorch 2\.13\.0, tch \d+\.\d+\.\d+; commit \w+")

    def test_settings_of_a_repository_around_the_workspace_start_no_program(self):
        with tempfile.TemporaryDirectory() as folder:
            stranger = Path(folder)
            root = stranger / "workspace"
            (stranger / ".git" / "objects").mkdir(parents=True)
            (stranger / ".git" / "refs").mkdir()
            (stranger / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
            made = stranger / "made"
            hook = stranger / "hook"
            hook.write_text(f"#!/bin/sh\n: > '{made}'\n")
            hook.chmod(0o755)
            (stranger / ".git" / "config").write_text(f"[core]\nfsmonitor = '{hook}'\n")
            root.mkdir()
            (root / "Cargo.lock").write_text("")
            self.assertIn("commit unknown;", page.machine(root, "2.13.0"))
            self.assertFalse(made.exists())


class Programs(unittest.TestCase):
    def shell(self, script):
        with contextlib.redirect_stderr(io.StringIO()):
            return bench.measurement(bench.run([sys.executable, "-c", script]))

    def test_the_last_line_is_the_result(self):
        found = self.shell("print('noise'); print('{\"steps\": 9}')")
        self.assertEqual(found["steps"], 9)
        self.assertTrue(found["output"].startswith("noise\n"))

    def test_a_failed_program_is_an_error_with_its_last_message(self):
        script = "import sys; print('{}'); print('x\\nno memory\\n', file=sys.stderr); sys.exit(3)"
        with self.assertRaisesRegex(bench.Failed, "^no memory$"):
            self.shell(script)
        for script in ("print(12)", "print('x')", "pass"):
            with self.assertRaises(bench.Failed):
                self.shell(script)


class Texts(unittest.TestCase):
    def test_a_share_refers_to_the_peak_of_its_round_and_precision(self):
        # The machine is half as fast in the second round.
        peak = lambda rates: [
            {
                "threads": 2,
                "convolution_forward": 1.2 * rate,
                "convolution": rate,
                "matrix_product": 0.5 * rate,
            }
            for rate in rates
        ]
        results = {
            ("peak", "f32"): peak([400e9, 200e9]),
            ("peak", "bf16"): peak([1000e9, 500e9]),
            ("modern", "f32"): [steps(ms, precision="f32") for ms in (10.0, 20.0)],
            ("modern", "bf16"): [steps(ms) for ms in (5.0, 10.0)],
        }
        rows = bench.steps_text(results).splitlines()
        self.assertIn(
            "| modern in f32 | 16 | 1,200 | 15.0 (10.0 to 20.0) | 2.00 | 150 | 50% | 100% "
            "| 300 MiB |",
            rows,
        )
        self.assertIn(
            "| modern in bf16 | 16 | 2,400 | 7.50 (5.00 to 10.0) | 2.00 | 300 | 40% | 80% "
            "| 300 MiB |",
            rows,
        )
        self.assertEqual(rows[-1], "| modern | 2.00 (2.00 to 2.00) |")
        rows = bench.peak_text(results).splitlines()
        self.assertEqual(rows[1], "|---|---:|---:|---:|")
        self.assertEqual(
            rows[2], "| f32, threads: 2 | 360 (240 to 480) | 300 (200 to 400) | 150 (100 to 200) |"
        )

    def test_a_failed_peer_is_shown_and_the_others_pair_by_pair(self):
        pair = lambda mine, other: (
            steps(16e3 / mine),
            steps(16e3 / other, precision="f32", torch="2.13.0", peak_memory_bytes=1 << 30),
        )
        results = {
            ("dcgan", "default"): [pair(900, 300), pair(450, 100)],
            ("dcgan", "compiled"): [],
        }
        text = bench.peers_text(results, {("dcgan", "compiled"): "no compiler"})
        lines = text.splitlines()
        self.assertEqual(
            lines[2:],
            [
                "| dcgan, default | 675 in bf16 | 200 in f32 | 3.75 (3.00 to 4.50) | 3.00, 4.50 "
                "| 300 MiB, 1,024 MiB |",
                "| dcgan, compiled | – | failed | – | – | – |",
                "",
                "`dcgan, compiled` failed: no compiler",
                "",
                "PyTorch 2.13.0.",
            ],
        )

    def test_threads_are_compared_with_one_thread_within_rounds(self):
        key = ("batch", 64, "width", 2, "threads")
        results = {
            (*key, 1): [steps(40.0), steps(80.0)],
            (*key, 2): [steps(25.0), steps(50.0)],
        }
        self.assertEqual(
            bench.scaling_text(results).splitlines()[2:],
            [
                "| 64, ×2 | 1 | 60.0 (40.0 to 80.0) | 300 | – | 300 MiB |",
                "| 64, ×2 | 2 | 37.5 (25.0 to 50.0) | 480 | 1.60 (1.60 to 1.60) | 300 MiB |",
            ],
        )

    def test_times_stand_beside_their_goals(self):
        results = {("cold", 64): [0.31, 0.3, 0.4], ("cold", 10_000): [2.0]}
        results |= {("bulk", s): [{"images_per_second": 2e4}] for s in bench.SYSTEMS}
        lines = bench.sampling_text(results).splitlines()
        self.assertEqual(
            lines[2:4],
            [
                "| 64 digits of `modern` | 0.310 (0.300 to 0.400) | under 0.5 |",
                "| 10,000 digits of `modern` | 2.00 (2.00 to 2.00) | under 3 |",
            ],
        )
        self.assertEqual(lines[-1], "| golbin | 20,000 (20,000 to 20,000) |")

    def test_criterion_results_are_found(self):
        """The files of criterion 0.8.2, without the fields that are not read."""
        name = {"group_id": "idx", "function_id": "read", "throughput": {"Bytes": 47_040_016}}
        interval = {"lower_bound": 9e6, "upper_bound": 9.9e6}
        median = {"point_estimate": 9_408_003.2, "confidence_interval": interval}
        with tempfile.TemporaryDirectory() as folder:
            for place, content in (("idx/read/new", (name, {"median": median})), ("idx/read/base", ({}, {}))):
                place = Path(folder) / place
                place.mkdir(parents=True)
                for file, value in zip(("benchmark.json", "estimates.json"), content):
                    (place / file).write_text(json.dumps(value))
            lines = bench.formats_text(Path(folder)).splitlines()
            self.assertEqual(lines[2:], ["| idx: read | 9.41 (9.00 to 9.90) | 5.00 |"])
            (Path(folder) / "idx/read/new/estimates.json").write_text("{}")
            with self.assertRaises(KeyError):
                bench.formats_text(Path(folder))


SHAPE = "mb16_ic64oc32_ih7oh14kh4sh2dh0ph1_iw7ow14kw4sw2dw0pw1"
MATMUL = (
    "onednn_verbose,v1,primitive,exec,cpu,matmul,brg_matmul:avx512_core_bf16,undef,"
    "src:bf16::blocked:ab::f0,attr-scratchpad:user attr-post-ops:sum,,16x64:64x3136,{}"
)
DECONVOLUTION = (
    "onednn_verbose,v1,primitive,exec,cpu,deconvolution,brg_deconv,forward_training,src:bf16,"
    f"attr-scratchpad:user,alg:deconvolution_direct,{SHAPE},{{}}"
)
# The format of oneDNN 3.12 in libtorch 2.13, memory descriptors shortened. The first two calls
# are a step of warm-up.
LOG = "\n".join([
    "onednn_verbose,v1,info,cpu,runtime:OpenMP,nthr:1",
    "onednn_verbose,v1,primitive,info,template:operation,engine,primitive,implementation,exec_time",
    MATMUL.format(9.0),
    DECONVOLUTION.format(9.0),
    MATMUL.format(0.5),
    DECONVOLUTION.format(2.0),
    MATMUL.format(0.7),
    DECONVOLUTION.format(2.0),
    '{"system":"modern"}',
])


class OneDnn(unittest.TestCase):
    def test_the_log_is_averaged_over_steps_without_the_warm_up(self):
        up, dense = onednn.operators(LOG, 1, 2)
        self.assertEqual(up.name, f"deconvolution: `{SHAPE}`")
        self.assertEqual(dense.name, "matmul: `16x64:64x3136`")
        self.assertEqual((up.calls, up.ms, dense.calls), (1.0, 2.0, 1.0))
        self.assertAlmostEqual(dense.ms, 0.6)
        self.assertEqual(up.flops, 2 * 16 * (64 * 32) * (4 * 4) * (7 * 7))
        self.assertEqual(dense.flops, 2 * 16 * 64 * 3136)

    def test_gradients_are_separate_operators(self):
        problem = "mb2_ic1oc16_ih32oh16kh3sh2dh0ph1_iw32ow16kw3sw2dw0pw1"
        start = "onednn_verbose,v1,primitive,exec,cpu,convolution,jit,backward_weights,src,attr,aux"
        name, ms, flops = onednn.parse(f"{start},{problem},1.5")
        self.assertEqual(name, f"convolution, weight gradient: `{problem}`")
        self.assertEqual((ms, flops), (1.5, 2 * 2 * 16 * 9 * 256))
        self.assertIsNone(onednn.parse("onednn_verbose,v1,info,cpu"))

    def test_flops_follow_from_the_shape(self):
        self.assertEqual(onednn.count_flops("reorder", "64x64x3x3"), 0)
        self.assertEqual(onednn.count_flops("matmul", "8x16x9:8x9x128"), 2 * 8 * 16 * 9 * 128)
        self.assertIsNone(onednn.count_flops("matmul", "*x9"))
        self.assertIsNone(onednn.count_flops("convolution", "mb2"))

    def test_everything_else_is_the_rest_of_the_step(self):
        text = bench.operators_text(steps(4.0, threads=1, flops_per_step=60e6), onednn.operators(LOG, 1, 2))
        start = (
            "### `modern`\n\nBatch 16, bf16, threads: 1. 0.0600 GFLOP/step counted from the layers, "
            "0.0578 GFLOP/step reported by oneDNN.\n"
        )
        self.assertEqual(text[: len(start)], start)
        self.assertEqual(
            text.splitlines()[-3:],
            [
                "| matmul: `16x64:64x3136` | 1.00 | 0.600 | 15% | 10.7 |",
                "| everything else | – | 1.40 | 35% | – |",
                "| step | – | 4.00 | 100% | 15.0 |",
            ],
        )

    def test_more_time_than_the_step_takes_is_an_error(self):
        found = onednn.operators(LOG, 1, 2)
        bench.operators_text(steps(2.61), found)
        with self.assertRaisesRegex(bench.Failed, "reports 2.60 ms .* takes 2.50 ms"):
            bench.operators_text(steps(2.5), found)

    def test_a_step_without_onednn_is_stated(self):
        text = bench.operators_text(steps(4.0), [])
        self.assertIn("2.00 GFLOP/step counted from the layers, no calls of oneDNN.", text)
        self.assertIn("| everything else | – | 4.00 | 100% | – |\n", text)


if __name__ == "__main__":
    unittest.main()
