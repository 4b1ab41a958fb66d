import type { Row } from './figures.ts';
export async function benchGrowth(_: { sessions?: number }): Promise<Row[]> {
  return [];
}
