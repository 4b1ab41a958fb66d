/** One line of the table. Goals are those of the project; a figure that misses one is printed, never an error. */
export interface Row {
  figure: string;
  goal: string;
  value: string;
}

export async function time(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export function ms(value: number): string {
  return `${value < 20 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** The median, with the slowest beside it. */
export function spread(values: number[]): string {
  return `${ms(median(values))} (slowest ${ms(Math.max(...values))})`;
}

/** What most see, what one in a hundred sees, and the worst. */
export function tail(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  return `p50 ${ms(at(0.5))}, p99 ${ms(at(0.99))}, max ${ms(at(1))}`;
}

export function printTable(rows: Row[]): void {
  const lines = [{ figure: 'Figure', goal: 'Goal', value: 'Measured' }, ...rows];
  const width = (column: 'figure' | 'goal') => Math.max(...lines.map((line) => line[column].length));
  for (const { figure, goal, value } of lines)
    console.log(`${figure.padEnd(width('figure'))}  ${goal.padEnd(width('goal'))}  ${value}`);
}
