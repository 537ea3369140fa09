//! The box around a model.

/// The smallest box around points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    low: [f64; 3],
    high: [f64; 3],
}

impl Bounds {
    /// Around nothing.
    pub(super) const NOTHING: Self = Self { low: [f64::INFINITY; 3], high: [f64::NEG_INFINITY; 3] };

    pub(super) fn add(&mut self, point: [f64; 3]) {
        for ((low, high), x) in self.low.iter_mut().zip(&mut self.high).zip(point) {
            *low = low.min(x);
            *high = high.max(x);
        }
    }

    /// Its extent along x, y and z; `None` around nothing, or if it is not finite.
    pub(super) fn extent(&self) -> Option<[f64; 3]> {
        let [x, y, z] = self.low;
        let [to_x, to_y, to_z] = self.high;
        let extent = [to_x - x, to_y - y, to_z - z];
        extent.iter().all(|side| side.is_finite()).then_some(extent)
    }
}

/// A matrix that moves points: four columns of four, as glTF has them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix([[f64; 4]; 4]);

impl Matrix {
    pub(super) const SAME: Self =
        Self([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]);

    /// From its columns.
    pub(super) fn new(columns: [f64; 16]) -> Self {
        let (columns, _) = columns.as_chunks::<4>();
        Self(columns.try_into().unwrap_or(Self::SAME.0))
    }

    /// Scales, then turns by a quaternion, then moves (glTF 2.0, section 3.5.3).
    pub(super) fn of_parts(moved: [f64; 3], turned: [f64; 4], scaled: [f64; 3]) -> Self {
        let [x, y, z, w] = turned;
        let [sx, sy, sz] = scaled;
        let [mx, my, mz] = moved;
        Self([
            [sx * (1.0 - 2.0 * (y * y + z * z)), sx * 2.0 * (x * y + z * w), sx * 2.0 * (x * z - y * w), 0.0],
            [sy * 2.0 * (x * y - z * w), sy * (1.0 - 2.0 * (x * x + z * z)), sy * 2.0 * (y * z + x * w), 0.0],
            [sz * 2.0 * (x * z + y * w), sz * 2.0 * (y * z - x * w), sz * (1.0 - 2.0 * (x * x + y * y)), 0.0],
            [mx, my, mz, 1.0],
        ])
    }

    /// First `inner`, then this.
    pub(super) fn after(&self, inner: &Self) -> Self {
        Self(inner.0.map(|column| self.times(column)))
    }

    pub(super) fn moves(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        let [x, y, z, _] = self.times([x, y, z, 1.0]);
        [x, y, z]
    }

    fn times(&self, vector: [f64; 4]) -> [f64; 4] {
        let mut sum = [0.0; 4];
        for (column, factor) in self.0.iter().zip(vector) {
            for (sum, entry) in sum.iter_mut().zip(column) {
                *sum += entry * factor;
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn_about_z_takes_x_to_y() {
        let half = std::f64::consts::FRAC_1_SQRT_2;
        let turn = Matrix::of_parts([10.0, 0.0, 0.0], [0.0, 0.0, half, half], [2.0, 1.0, 1.0]);
        let [x, y, z] = turn.moves([1.0, 0.0, 0.0]);
        assert!((x - 10.0).abs() < 1e-9 && (y - 2.0).abs() < 1e-9 && z.abs() < 1e-9, "{x} {y} {z}");
        let [x, y, _] = turn.after(&turn).moves([0.0, 0.0, 0.0]);
        assert!((x - 10.0).abs() < 1e-9 && (y - 20.0).abs() < 1e-9, "{x} {y}");
        let same = Matrix::new(std::array::from_fn(|n| if n % 5 == 0 { 1.0 } else { 0.0 }));
        assert_eq!(same.moves([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]);
        assert_eq!(Bounds::NOTHING.extent(), None);
    }
}
