//! The Universal Scalability Law: how throughput grows, and why it stops growing.
//!
//! X(N) = λN / (1 + σ(N − 1) + κN(N − 1)), where λ is what one client gets alone, σ the share that
//! is serial (contention), and κ what each pair costs to agree (coherency). Source: Gunther,
//! *Guerrilla Capacity Planning*, 2007; his later three-parameter form.
//!
//! It is a model of machines with several processors. With few of them, what bends the curve is
//! that everybody waits for the same CPU, and the parameters would be names for nothing; so it is
//! fitted only on machines with at least four.

use thiserror::Error;

/// CPUs below which the law is not fitted.
pub const FEWEST_CPUS: usize = 4;

/// Different numbers of clients below which three parameters say nothing.
const FEWEST_POINTS: usize = 4;

/// The law's parameters, fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scalability {
    /// λ: operations per second of one client alone.
    pub alone: f64,
    /// σ: contention, the serial share.
    pub contention: f64,
    /// κ: coherency, per pair of clients.
    pub coherency: f64,
    /// The share of the variation of N/X that the law explains.
    pub explained: f64,
}

/// Why the law was not fitted.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum UnfitError {
    /// The law speaks of several processors.
    #[error("too few cores to fit: {0}, and {FEWEST_CPUS} are needed")]
    FewCpus(usize),
    /// Three parameters need more points than three.
    #[error("too few loads to fit: {0}, and {FEWEST_POINTS} are needed")]
    FewPoints(usize),
    /// Nobody's contention or coherency is below zero, and alone one client gets something.
    #[error("the law does not fit: it would need {name} = {value:.3}")]
    Impossible {
        /// λ, σ or κ.
        name: &'static str,
        /// What least squares say.
        value: f64,
    },
}

impl Scalability {
    /// Fits the law to (clients, operations per second) by linear least squares: with
    /// N/X = (1 − σ)/λ + N·(σ − κ)/λ + N²·κ/λ it is a parabola in N. Every point weighs alike on
    /// the scale of N/X, the time that one client's operation takes.
    ///
    /// # Errors
    ///
    /// Where the machine has too few CPUs, there are too few different loads, or the parameters
    /// make no sense. A parameter that is below zero by no more than rounding is zero.
    pub fn fit(points: &[(f64, f64)], cpus: usize) -> Result<Self, UnfitError> {
        if cpus < FEWEST_CPUS {
            return Err(UnfitError::FewCpus(cpus));
        }
        let sound = |(n, x): &&(f64, f64)| n.is_finite() && x.is_finite() && *n > 0.0 && *x > 0.0;
        let mut times: Vec<(f64, f64)> =
            points.iter().filter(sound).map(|(n, x)| (*n, n / x)).collect();
        times.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let different = times.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()).count();
        if different < FEWEST_POINTS {
            return Err(UnfitError::FewPoints(different));
        }
        let [a, b, c] = parabola(&times);
        // a + b + c = 1/λ: the time of one client alone.
        let alone = 1.0 / (a + b + c);
        let contention = not_negative("contention σ", (b + c) * alone)?;
        let coherency = not_negative("coherency κ", c * alone)?;
        let alone = not_negative("λ", alone)?;
        let at = |n: f64| a + b * n + c * n * n;
        let mean = times.iter().map(|(_, y)| y).sum::<f64>() / times.len() as f64;
        let rest: f64 = times.iter().map(|(n, y)| (y - at(*n)).powi(2)).sum();
        let all: f64 = times.iter().map(|(_, y)| (y - mean).powi(2)).sum();
        let explained = if all > 0.0 { (1.0 - rest / all).max(0.0) } else { 1.0 };
        Ok(Self { alone, contention, coherency, explained })
    }

    /// Operations per second of `n` clients.
    pub fn at(&self, n: f64) -> f64 {
        let Self { alone, contention, coherency, .. } = self;
        alone * n / (1.0 + contention * (n - 1.0) + coherency * n * (n - 1.0))
    }

    /// The number of clients beyond which throughput falls: √((1 − σ)/κ). `None`: it never does.
    pub fn peak(&self) -> Option<f64> {
        let peak = ((1.0 - self.contention) / self.coherency).sqrt();
        (self.coherency > 0.0 && peak.is_finite()).then_some(peak)
    }
}

fn not_negative(name: &'static str, value: f64) -> Result<f64, UnfitError> {
    if value.is_finite() && value >= -1e-9 {
        return Ok(value.max(0.0));
    }
    Err(UnfitError::Impossible { name, value })
}

/// a, b, c of a + b·x + c·x² by least squares, over x from 0 to 1 so that the normal equations
/// are well conditioned.
fn parabola(points: &[(f64, f64)]) -> [f64; 3] {
    let scale = points.iter().map(|point| point.0).fold(0.0, f64::max);
    let mut rows = [[0.0; 4]; 3];
    for (x, y) in points {
        let x = x / scale;
        let basis = [1.0, x, x * x];
        for (row, of_row) in rows.iter_mut().zip(basis) {
            for (cell, of_column) in row.iter_mut().zip([basis[0], basis[1], basis[2], *y]) {
                *cell += of_row * of_column;
            }
        }
    }
    let [a, b, c] = solve(rows);
    [a, b / scale, c / (scale * scale)]
}

/// Gauss's elimination with the largest pivot first.
fn solve(mut rows: [[f64; 4]; 3]) -> [f64; 3] {
    for i in 0..3 {
        let pivot = (i..3).max_by(|a, b| rows[*a][i].abs().total_cmp(&rows[*b][i].abs()));
        rows.swap(i, pivot.unwrap_or(i));
        let top = rows[i];
        for row in &mut rows[i + 1..] {
            let factor = row[i] / top[i];
            for (cell, above) in row.iter_mut().zip(top) {
                *cell -= factor * above;
            }
        }
    }
    let mut solution = [0.0; 3];
    for i in (0..3).rev() {
        let known: f64 = (i + 1..3).map(|j| rows[i][j] * solution[j]).sum();
        solution[i] = (rows[i][3] - known) / rows[i][i];
    }
    solution
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLIENTS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

    fn law(alone: f64, contention: f64, coherency: f64) -> Scalability {
        Scalability { alone, contention, coherency, explained: 1.0 }
    }

    fn points(law: &Scalability) -> Vec<(f64, f64)> {
        CLIENTS.iter().map(|n| (*n, law.at(*n))).collect()
    }

    #[test]
    fn two_cpus_are_too_few_cores_to_fit() {
        let exact = points(&law(1_000.0, 0.05, 0.001));
        let error = Scalability::fit(&exact, 2).unwrap_err();
        assert_eq!(error.to_string(), "too few cores to fit: 2, and 4 are needed");
        assert!(Scalability::fit(&exact, 4).is_ok());
    }

    #[test]
    fn few_loads_and_bad_numbers_are_not_fitted() {
        let exact = points(&law(1_000.0, 0.05, 0.001));
        let few = Scalability::fit(&exact[..3], 8).unwrap_err();
        assert_eq!(few, UnfitError::FewPoints(3));
        assert_eq!(
            Scalability::fit(&[(1.0, f64::NAN), (0.0, 1.0)], 8),
            Err(UnfitError::FewPoints(0))
        );
        assert_eq!(Scalability::fit(&[exact[0]; 9], 8), Err(UnfitError::FewPoints(1)));
    }

    #[test]
    fn what_scales_better_than_evenly_is_not_forced_into_the_law() {
        let superlinear: Vec<_> = CLIENTS.iter().map(|n| (*n, n.powf(1.5))).collect();
        let error = Scalability::fit(&superlinear, 8).unwrap_err();
        assert!(matches!(error, UnfitError::Impossible { .. }), "{error}");
        // A linear curve is the law's edge, and fits.
        let linear = Scalability::fit(&points(&law(500.0, 0.0, 0.0)), 8).unwrap();
        assert!(linear.contention < 1e-9 && linear.peak().is_none_or(|peak| peak > 1e3));
    }

    #[test]
    fn amdahls_law_is_its_case_without_coherency() {
        let fit = Scalability::fit(&points(&law(100.0, 0.1, 0.0)), 8).unwrap();
        assert!((fit.contention - 0.1).abs() < 1e-9 && fit.coherency < 1e-9, "{fit:?}");
        // 1/σ times one client's, at most.
        assert!((fit.at(1e9) - 1_000.0).abs() < 1.0 || fit.coherency > 0.0, "{fit:?}");
    }

    proptest! {
        #[test]
        fn exact_data_give_back_their_parameters(
            alone in 1.0..1e6_f64,
            contention in 0.001..0.5_f64,
            coherency in 0.000_01..0.01_f64,
        ) {
            let truth = law(alone, contention, coherency);
            let fit = Scalability::fit(&points(&truth), 8).unwrap();
            prop_assert!((fit.alone / alone - 1.0).abs() < 1e-6, "{fit:?}");
            prop_assert!((fit.contention - contention).abs() < 1e-6, "{fit:?}");
            prop_assert!((fit.coherency - coherency).abs() < 1e-6, "{fit:?}");
            prop_assert!(fit.explained > 1.0 - 1e-9);
            let peak = fit.peak().unwrap();
            prop_assert!(fit.at(peak) >= fit.at(peak * 1.1) && fit.at(peak) >= fit.at(peak / 1.1));
        }

        #[test]
        fn nothing_makes_it_panic(points in prop::collection::vec(any::<(f64, f64)>(), 0..20)) {
            if let Ok(fit) = Scalability::fit(&points, 8) {
                prop_assert!(fit.alone >= 0.0 && fit.contention >= 0.0 && fit.coherency >= 0.0);
            }
        }
    }
}
