/** What type declarations say of a value. */
export type Schema =
  | { kind: 'string' | 'number' | 'boolean' | 'null' | 'undefined' | 'unknown' | 'never' }
  | { kind: 'literal'; value: string | number | boolean }
  | { kind: 'array'; item: Schema }
  | { kind: 'tuple'; items: Schema[] }
  | { kind: 'object'; properties: Map<string, Property>; index: Schema | null }
  | { kind: 'union'; of: Schema[] }
  | { kind: 'intersection'; of: Schema[] }
  | { kind: 'ref'; path: string[] };

export interface Property {
  schema: Schema;
  isOptional: boolean;
}

const words = ['string', 'number', 'boolean', 'null', 'undefined', 'unknown', 'never'] as const;
const space = /(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*)*/y;
const name = /[A-Za-z_$][\w$]*/y;
const string = /"((?:[^"\\]|\\.)*)"/y;
const number = /-?\d+(?:\.\d+)?/y;

/**
 * The type that begins at `at` in declarations that openapi-typescript made: the few constructs that it writes, and an error
 * for any other. `Record<string, never>` is how it writes "an object, of which nothing is said".
 */
export function parseType(text: string, at: number): Schema {
  let here = at;

  function skip(): void {
    space.lastIndex = here;
    space.exec(text);
    here = space.lastIndex;
  }

  function take(pattern: RegExp): string | null {
    skip();
    pattern.lastIndex = here;
    const found = pattern.exec(text);
    if (!found) return null;
    here = pattern.lastIndex;
    return found[1] ?? found[0];
  }

  function next(token: string): boolean {
    skip();
    if (!text.startsWith(token, here)) return false;
    here += token.length;
    return true;
  }

  function expect(token: string): void {
    if (!next(token)) throw new Error(`"${token}" was expected in the declarations: ${text.slice(here, here + 80)}`);
  }

  function joined(separator: string, kind: 'union' | 'intersection', member: () => Schema): Schema {
    next(separator);
    const of = [member()];
    while (next(separator)) of.push(member());
    return of.length === 1 && of[0] ? of[0] : { kind, of };
  }

  const type = (): Schema => joined('|', 'union', () => joined('&', 'intersection', postfix));

  function postfix(): Schema {
    let schema = primary();
    while (next('[')) {
      const key = take(string);
      if (key === null) schema = { kind: 'array', item: schema };
      else if (schema.kind === 'ref') schema = { kind: 'ref', path: [...schema.path, key] };
      else throw new Error(`Only what is declared elsewhere is looked into: ${text.slice(here, here + 80)}`);
      expect(']');
    }
    return schema;
  }

  function primary(): Schema {
    if (next('(')) {
      const inner = type();
      expect(')');
      return inner;
    }
    if (next('{')) return object();
    if (next('[')) return { kind: 'tuple', items: list(']') };
    skip();
    if (text[here] === '"') return { kind: 'literal', value: JSON.parse(`"${take(string)}"`) };
    const digits = take(number);
    if (digits !== null) return { kind: 'literal', value: Number(digits) };
    const word = take(name);
    if (word === 'readonly') return postfix();
    if (word === 'true' || word === 'false') return { kind: 'literal', value: word === 'true' };
    const simple = words.find((each) => each === word);
    if (simple) return { kind: simple };
    if (word === 'Record') {
      expect('<');
      list('>');
      return { kind: 'object', properties: new Map(), index: { kind: 'unknown' } };
    }
    if (word === 'OneOf') {
      expect('<');
      const [members] = list('>');
      return { kind: 'union', of: members?.kind === 'tuple' ? members.items : [] };
    }
    if (word === 'components' || word === 'operations') return { kind: 'ref', path: [word] };
    throw new Error(`The declarations have something that is not understood: ${text.slice(here - 40, here + 80)}`);
  }

  function list(end: string): Schema[] {
    const items: Schema[] = [];
    while (!next(end)) {
      items.push(type());
      next(',');
    }
    return items;
  }

  function object(): Schema {
    const properties = new Map<string, Property>();
    let index: Schema | null = null;
    while (!next('}')) {
      if (next('readonly ')) continue;
      if (next('[')) {
        take(name);
        expect(':');
        type();
        expect(']');
        expect(':');
        index = type();
      } else {
        const key = take(string) ?? take(name) ?? take(number);
        if (key === null) throw new Error(`A property was expected: ${text.slice(here, here + 80)}`);
        const isOptional = next('?');
        expect(':');
        properties.set(key, { schema: type(), isOptional });
      }
      next(';');
    }
    return { kind: 'object', properties, index };
  }

  return type();
}

/** Where the members of an interface begin, whose text is indented by so many spaces: by name, the place of their type. */
export function indexMembers(text: string, from: number, to: number, indent: number): Map<string, number> {
  const members = new Map<string, number>();
  const member = new RegExp(`^ {${indent}}(?:readonly )?("[^"\\n]+"|[\\w$]+)\\??:`, 'gm');
  member.lastIndex = from;
  for (let found = member.exec(text); found && found.index < to; found = member.exec(text))
    members.set((found[1] ?? '').replaceAll('"', ''), member.lastIndex);
  return members;
}
