//! What a step's time goes into: oneDNN's own account of its convolutions and
//! matrix products, added up by kind and shape.

use std::collections::BTreeMap;

use anyhow::Result;

use super::child::{Order, Steps, last_line};
use super::table::{Table, number, percent};
use super::{Bench, SYSTEMS};
use crate::error::user_error;
use crate::progress::say;

/// Rows of a table; what takes less is added up in one.
const SHOWN: usize = 12;

/// Threads to compute with: of two that work at once, as on the halves of a step of
/// `modern`, oneDNN's times would add up to more than the step.
const THREADS: u64 = 1;

/// One system's step.
pub struct Step {
    /// Measured without the account, which takes time itself.
    plain: Steps,
    operators: Vec<Operator>,
}

/// A kind of work on one shape.
#[derive(Debug, Clone, PartialEq)]
struct Operator {
    /// What, which way, and the shape.
    name: String,
    /// Calls in a step, on average.
    calls: f64,
    /// Milliseconds in a step.
    ms: f64,
    /// Floating-point operations in a step, where the shape tells.
    flops: Option<f64>,
}

/// Measures each system's step, once plain and once with oneDNN's account.
pub fn measure(bench: &Bench) -> Result<Vec<Step>> {
    SYSTEMS
        .iter()
        .map(|system| {
            let order = Order {
                system,
                precision: bench.precision(),
                threads: THREADS,
                batch: None,
                width: 1,
            };
            let plain = bench.steps(&order)?;
            let mut command = bench.steps_command(&order);
            command.env("ONEDNN_VERBOSE", "profile_exec");
            let (account, steps): (String, Steps) = last_line(&mut command)?;
            let operators = add_up(&account, steps.warm_up_steps, steps.steps);
            say(format_args!("{system}: {} kinds of work", operators.len()));
            let step = Step { plain, operators };
            step.check()?;
            Ok(step)
        })
        .collect()
}

/// The work of the `steps` that follow `warm_up` others, per step, the longest
/// first.
fn add_up(account: &str, warm_up: u64, steps: u64) -> Vec<Operator> {
    let lines: Vec<Line> = account.lines().filter_map(Line::read).collect();
    // Each period of steps does the same, and both numbers are whole periods.
    let share = warm_up as f64 / (warm_up + steps).max(1) as f64;
    let skipped = (lines.len() as f64 * share).round() as usize;
    let mut sums: BTreeMap<String, (u64, f64, Option<f64>)> = BTreeMap::new();
    for line in lines.into_iter().skip(skipped) {
        let flops = line.flops();
        let (calls, ms, total) = sums.entry(line.name()).or_insert((0, 0.0, Some(0.0)));
        *calls += 1;
        *ms += line.ms;
        *total = total.zip(flops).map(|(total, flops)| total + flops);
    }
    let steps = steps.max(1) as f64;
    let mut operators: Vec<Operator> = sums
        .into_iter()
        .map(|(name, (calls, ms, flops))| Operator {
            name,
            calls: calls as f64 / steps,
            ms: ms / steps,
            flops: flops.map(|flops| flops / steps),
        })
        .collect();
    operators.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    operators
}

/// One line of the account:
/// `onednn_verbose,v1,primitive,exec,cpu,KIND,IMPLEMENTATION,DIRECTION,…,PROBLEM,MS`.
struct Line<'a> {
    kind: &'a str,
    direction: &'a str,
    problem: &'a str,
    ms: f64,
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Option<Line<'a>> {
        let fields: Vec<&str> = line.split(',').collect();
        match fields[..] {
            [
                "onednn_verbose",
                _,
                "primitive",
                "exec",
                _,
                kind,
                _,
                direction,
                ..,
                problem,
                ms,
            ] => Some(Line {
                kind,
                direction,
                problem,
                ms: ms.trim().parse().ok()?,
            }),
            _ => None,
        }
    }

    fn name(&self) -> String {
        let way = match self.direction {
            "backward_data" => ", gradient of its input",
            "backward_weights" => ", gradient of its weight",
            _ => "",
        };
        format!("{}{way}: `{}`", self.kind, self.problem)
    }

    /// Multiplications and additions, 0 for what has none.
    fn flops(&self) -> Option<f64> {
        match self.kind {
            "convolution" => self.kernel_applied_at("oh", "ow"),
            // Transposed, the kernel is applied to each place of the input.
            "deconvolution" => self.kernel_applied_at("ih", "iw"),
            "matmul" | "inner_product" => {
                let mut factors = self.problem.split(':');
                let product = |shape: &str| -> Option<f64> {
                    let sizes = shape.split('x').map(|size| size.parse::<f64>().ok());
                    sizes.product()
                };
                let (left, right) = (factors.next()?, factors.next()?);
                let columns: f64 = right.rsplit('x').next()?.parse().ok()?;
                Some(2.0 * product(left)? * columns)
            }
            _ => Some(0.0),
        }
    }

    /// Of `mb16_ic64oc32_ih7oh14kh4sh2dh0ph1_iw7ow14kw4sw2dw0pw1`.
    fn kernel_applied_at(&self, height: &str, width: &str) -> Option<f64> {
        let sizes = ["mb", "ic", "oc", "kh", "kw", height, width]
            .map(|name| size_after(self.problem, name));
        let product: Option<f64> = sizes.into_iter().product();
        Some(2.0 * product?)
    }
}

/// The number that follows `name`.
fn size_after(problem: &str, name: &str) -> Option<f64> {
    let (_, rest) = problem.split_once(name)?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// A table for each system.
pub fn render(steps: &[Step]) -> String {
    let tables: Vec<String> = steps.iter().map(Step::render).collect();
    format!(
        "{}\nEach from `ONEDNN_VERBOSE=profile_exec forger bench steps --preset SYSTEM --threads 1`; \
         the whole step from the same without the variable.\n",
        tables.join("\n")
    )
}

impl Step {
    /// Milliseconds of a step that oneDNN does not account for.
    fn rest(&self) -> f64 {
        self.plain.ms_per_step - ms_of(&self.operators)
    }

    /// Refuses an account of more than the step.
    fn check(&self) -> Result<()> {
        if self.rest() >= 0.0 {
            return Ok(());
        }
        Err(user_error(
            format!(
                "oneDNN accounts for {} ms of a step of {}, which takes {} ms",
                number(ms_of(&self.operators)),
                self.plain.system,
                number(self.plain.ms_per_step)
            ),
            "let nothing else run meanwhile",
        ))
    }

    fn render(&self) -> String {
        let plain = &self.plain;
        let whole = plain.ms_per_step;
        let mut table = Table::new(&[
            "work",
            "calls a step",
            "ms a step",
            "of the step",
            "GFLOP/s",
        ]);
        let mut row = |name: &str, calls: Option<f64>, ms: f64, flops: Option<f64>| {
            let rate = flops.filter(|flops| *flops > 0.0).map(|f| f / ms / 1e6);
            table.row(&[
                name.to_owned(),
                calls.map_or("–".to_owned(), number),
                number(ms),
                percent(ms / whole),
                rate.map_or("–".to_owned(), number),
            ]);
        };
        let (shown, others) = self.operators.split_at(self.operators.len().min(SHOWN));
        for o in shown {
            row(&o.name, Some(o.calls), o.ms, o.flops);
        }
        if !others.is_empty() {
            let calls = others.iter().map(|o| o.calls).sum();
            let name = format!("{} others of oneDNN", others.len());
            row(&name, Some(calls), ms_of(others), None);
        }
        row("all else", None, self.rest(), None);
        row("the whole step", None, whole, plain.flops_per_step);
        let giga = |flops: Option<f64>| flops.map_or("–".to_owned(), |f| number(f / 1e9));
        let counted = giga(plain.flops_per_step);
        let asked = if self.operators.is_empty() {
            format!(
                "nothing; {counted} GFLOP a step are counted from the layers, of products that \
                 libtorch gives to its BLAS"
            )
        } else {
            let asked = giga(self.operators.iter().map(|o| o.flops).sum());
            format!("{asked} GFLOP a step; {counted} are counted from the layers")
        };
        format!(
            "### `{}`\n\nbatch {}, {}, threads: {}. oneDNN is asked for {asked}.\n\n{}",
            plain.system,
            plain.batch,
            plain.precision,
            plain.threads,
            table.text()
        )
    }
}

fn ms_of(operators: &[Operator]) -> f64 {
    operators.iter().map(|o| o.ms).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As oneDNN 3.12 of libtorch 2.13 prints it, memory descriptors shortened.
    const ACCOUNT: &str = "\
onednn_verbose,v1,info,cpu,runtime:OpenMP,nthr:1
onednn_verbose,v1,primitive,info,template:operation,engine,primitive,implementation,prop_kind,memory_descriptors,attributes,auxiliary,problem_desc,exec_time
onednn_verbose,v1,primitive,exec,cpu,matmul,brg_matmul:avx512_core_bf16,undef,src:bf16::blocked:ab::f0,attr-scratchpad:user attr-post-ops:sum,,16x64:64x3136,9.0
onednn_verbose,v1,primitive,exec,cpu,deconvolution,brg_deconv,forward_training,src:bf16,attr-scratchpad:user,alg:deconvolution_direct,mb16_ic64oc32_ih7oh14kh4sh2dh0ph1_iw7ow14kw4sw2dw0pw1,9.0
onednn_verbose,v1,primitive,exec,cpu,matmul,brg_matmul:avx512_core_bf16,undef,src:bf16::blocked:ab::f0,attr-scratchpad:user attr-post-ops:sum,,16x64:64x3136,0.5
onednn_verbose,v1,primitive,exec,cpu,deconvolution,brg_deconv,forward_training,src:bf16,attr-scratchpad:user,alg:deconvolution_direct,mb16_ic64oc32_ih7oh14kh4sh2dh0ph1_iw7ow14kw4sw2dw0pw1,2.0
onednn_verbose,v1,primitive,exec,cpu,matmul,brg_matmul:avx512_core_bf16,undef,src:bf16::blocked:ab::f0,attr-scratchpad:user attr-post-ops:sum,,16x64:64x3136,0.7
onednn_verbose,v1,primitive,exec,cpu,deconvolution,brg_deconv,forward_training,src:bf16,attr-scratchpad:user,alg:deconvolution_direct,mb16_ic64oc32_ih7oh14kh4sh2dh0ph1_iw7ow14kw4sw2dw0pw1,2.0
{\"system\":\"modern\"}";

    #[test]
    fn the_account_is_added_up_per_step_without_the_warm_up() {
        let operators = add_up(ACCOUNT, 1, 2);
        let shape = "`mb16_ic64oc32_ih7oh14kh4sh2dh0ph1_iw7ow14kw4sw2dw0pw1`";
        let up = Operator {
            name: format!("deconvolution: {shape}"),
            calls: 1.0,
            ms: 2.0,
            flops: Some(2.0 * 16.0 * (64.0 * 32.0) * (4.0 * 4.0) * (7.0 * 7.0)),
        };
        let dense = Operator {
            name: "matmul: `16x64:64x3136`".to_owned(),
            calls: 1.0,
            ms: 0.6,
            flops: Some(2.0 * 16.0 * 64.0 * 3136.0),
        };
        assert_eq!(operators, [up, dense]);
    }

    #[test]
    fn gradients_are_told_apart_and_reorders_have_no_arithmetic() {
        let line = |kind: &str, direction: &str, problem: &str| {
            let line = format!(
                "onednn_verbose,v1,primitive,exec,cpu,{kind},jit,{direction},src,attr,aux,{problem},1"
            );
            let read = Line::read(&line).unwrap();
            (read.name(), read.flops())
        };
        let problem = "mb2_ic1oc16_ih32oh16kh3sh2dh0ph1_iw32ow16kw3sw2dw0pw1";
        let flops = Some(2.0 * 2.0 * 16.0 * 9.0 * 256.0);
        let (name, counted) = line("convolution", "backward_weights", problem);
        assert_eq!(counted, flops);
        assert_eq!(
            name,
            format!("convolution, gradient of its weight: `{problem}`")
        );
        assert_eq!(line("reorder", "undef", "64x64x3x3").1, Some(0.0));
        assert_eq!(
            line("matmul", "undef", "8x16x9:8x9x128").1,
            Some(2.0 * 8.0 * 16.0 * 9.0 * 128.0)
        );
        assert_eq!(line("matmul", "undef", "*x9").1, None);
        assert!(Line::read("onednn_verbose,v1,info,cpu").is_none());
    }

    /// A step of [`ACCOUNT`], 2.6 ms of oneDNN.
    fn step(ms_per_step: f64) -> Step {
        Step {
            plain: Steps {
                system: "modern".to_owned(),
                batch: 16,
                threads: 1,
                precision: "bf16".to_owned(),
                steps: 2,
                ms_per_step,
                images_per_second: 4000.0,
                warm_up_steps: 1,
                flops_per_step: Some(60e6),
                peak_memory_bytes: None,
                torch: None,
            },
            operators: add_up(ACCOUNT, 1, 2),
        }
    }

    #[test]
    fn an_account_of_more_than_the_step_is_refused() {
        assert!(step(2.61).check().is_ok());
        let error = step(2.5).check().unwrap_err().to_string();
        let told = "oneDNN accounts for 2.60 ms of a step of modern, which takes 2.50 ms";
        assert!(error.starts_with(told), "{error}");
    }

    /// As in f32, where there are matrix products alone.
    #[test]
    fn a_step_without_onednn_says_so() {
        let mut step = step(4.0);
        step.operators.clear();
        let text = step.render();
        let told = "oneDNN is asked for nothing; 0.0600 GFLOP a step are counted from the layers";
        assert!(text.contains(told), "{text}");
        assert!(
            text.contains("| all else | – | 4.00 | 100% | – |\n"),
            "{text}"
        );
    }

    #[test]
    fn what_onednn_does_not_account_for_is_the_rest_of_the_step() {
        let text = step(4.0).render();
        let start = "### `modern`\n\nbatch 16, bf16, threads: 1. oneDNN is asked for 0.0578 GFLOP \
                     a step; 0.0600 are counted from the layers.\n";
        assert!(text.starts_with(start), "{text}");
        let end = "\
| matmul: `16x64:64x3136` | 1.00 | 0.600 | 15% | 10.7 |
| all else | – | 1.40 | 35% | – |
| the whole step | – | 4.00 | 100% | 15.0 |
";
        assert!(text.ends_with(end), "{text}");
    }
}
