import { cleanLine } from '../core/outside-text.ts';
import type { JsonSchema } from '../core/tool.ts';

const longestText = 200;
const deepest = 12;
const types = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
/** What vendors take for the name of an argument. */
const argumentName = /^[\w.-]{1,64}$/;

/** Of a keyword's value, what of it stays. undefined: nothing. */
type Read = (value: unknown, depth: number) => unknown;

/**
 * Of what others call the schema of a tool's arguments, what every vendor of models takes: one that a vendor refuses would end
 * all runs that are offered the tool. What is left out only restricts, and the server checks it itself. What is said in a
 * schema is not marked as from outside, so there is not much of it.
 */
export function plainSchema(schema: JsonSchema): JsonSchema {
  const definitions = ['$defs', 'definitions'].flatMap((key) =>
    Object.keys(schema[key] ?? {}).map((name) => `#/${key}/${name}`),
  );
  const read = (value: unknown, depth: number): JsonSchema => {
    if (!isMap(value) || depth > deepest) return {};
    const entries = Object.entries(value).flatMap(([key, member]) => {
      const kept = keywords.get(key)?.(member, depth + 1);
      return kept === undefined ? [] : [[key, kept] as const];
    });
    const kept = Object.fromEntries(entries);
    return kept.type === 'array' ? { items: {}, ...kept } : kept;
  };
  const readEach: Read = (value, depth) =>
    Array.isArray(value) && value.length > 0 ? value.map((each) => read(each, depth)) : undefined;
  const readNamed: Read = (value, depth) =>
    isMap(value)
      ? Object.fromEntries(
          Object.entries(value).flatMap(([name, each]) => (argumentName.test(name) ? [[name, read(each, depth)]] : [])),
        )
      : undefined;
  const keywords = new Map<string, Read>([
    ...plainKeywords,
    ...(['properties', '$defs', 'definitions'] as const).map((key) => [key, readNamed] as const),
    ...(['anyOf', 'oneOf', 'allOf', 'prefixItems'] as const).map((key) => [key, readEach] as const),
    ['items', read],
    ['additionalProperties', (value, depth) => (isMap(value) ? read(value, depth) : only(isBoolean)(value, depth))],
    ['$ref', (value) => (definitions.includes(value as string) ? value : undefined)],
  ]);
  // Several vendors take these nowhere but inside.
  const { anyOf: _any, oneOf: _one, allOf: _all, enum: _enum, ...whole } = read(schema, 0);
  return { ...whole, type: 'object', properties: whole.properties ?? {} };
}

const isMap = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isScalar = (value: unknown) =>
  value === null || ['boolean', 'number'].includes(typeof value) || (typeof value === 'string' && isShort(value));
const isShort = (text: string) => text.length <= longestText;
const only =
  (fits: (value: unknown) => boolean): Read =>
  (value) =>
    fits(value) ? value : undefined;
const some =
  (fits: (value: unknown) => boolean): Read =>
  (value) => {
    const fitting = Array.isArray(value) ? [...new Set(value.filter(fits))] : [];
    return fitting.length > 0 ? fitting : undefined;
  };
const isBoolean = (value: unknown) => typeof value === 'boolean';
const isType = (value: unknown) => types.includes(value as string);
const isCount = only((value) => Number.isInteger(value) && (value as number) >= 0);
const isNumber = only((value) => typeof value === 'number');

const plainKeywords: [string, Read][] = [
  ['type', (value, depth) => (Array.isArray(value) ? some(isType)(value, depth) : only(isType)(value, depth))],
  ['description', (value) => (typeof value === 'string' ? cleanLine(value, longestText) : undefined)],
  ['required', some((name) => typeof name === 'string' && argumentName.test(name))],
  ['enum', some(isScalar)],
  ['const', only(isScalar)],
  ['default', only(isScalar)],
  ['format', only((value) => typeof value === 'string' && /^[\w-]{1,30}$/.test(value))],
  ['pattern', only((value) => typeof value === 'string' && isShort(value) && isPattern(value))],
  ['uniqueItems', only(isBoolean)],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].map((key): [string, Read] => [key, isNumber]),
  ...['minLength', 'maxLength', 'minItems', 'maxItems'].map((key): [string, Read] => [key, isCount]),
];

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u').source !== '';
  } catch {
    return false;
  }
}
