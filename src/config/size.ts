import { z } from 'zod';

const units: Record<string, number> = { '': 1, B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

export const size = z.unknown().transform((value, context) => {
  const bytes = parseSize(value);
  if (bytes === undefined) context.issues.push({ code: 'custom', input: value, message: 'not a size' });
  return bytes ?? 0;
});

/** Bytes of `4 GB`, `512MiB` or a plain number of bytes; undefined when it is none of these. */
function parseSize(value: unknown): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(i?B?)$/i.exec(String(value).trim());
  if ((typeof value !== 'string' && typeof value !== 'number') || !match) return undefined;
  const unit = units[`${match[2]?.toUpperCase()}${match[2] ? 'B' : ''}`];
  const bytes = unit === undefined ? 0 : Math.round(Number(match[1]) * unit);
  return bytes >= 1 && Number.isSafeInteger(bytes) ? bytes : undefined;
}
