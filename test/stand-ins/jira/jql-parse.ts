import { bad } from './refusal.ts';

export type Operand =
  | { kind: 'value'; text: string; isQuoted: boolean }
  | { kind: 'function'; name: string; args: string[] }
  | { kind: 'empty' };

export type Clause =
  | { kind: 'and' | 'or'; parts: Clause[] }
  | { kind: 'not'; part: Clause }
  | { kind: 'term'; field: string; operator: string; operands: Operand[] };

export interface Query {
  /** null: it asks for all. */
  where: Clause | null;
  orderBy: { field: string; isDescending: boolean }[];
}

interface Token {
  text: string;
  kind: 'word' | 'quoted' | 'sign';
  at: number;
}

const pattern = /\s*(?:("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(!=|!~|<=|>=|[=~<>(),!])|((?:\\.|[^\s"'=~<>(),!\\])+))/gsy;
/** Of the words that Jira keeps to itself those that people stumble over; they can be quoted. */
const reserved = new Set(
  'abort access add after alias all alter and any as asc audit avg before begin between boolean break by byte catch cf char character check checkpoint collate collation column commit connect continue count create current date decimal declare decrement default defaults define delete delimiter desc difference distinct divide do double drop else empty encoding end equals escape exclusive exec execute exists explain false fetch file field first float for from function go goto grant greater group having identified if immediate in increment index initial inner inout input insert int integer intersect intersection into is isempty isnull join last left less like limit lock long max min minus mode modify modulo more multiply next noaudit not notin nowait null number object of on option or order outer output power previous prior privileges public raise raw remainder rename resource return returns revoke right row rowid rownum rows select session set share size sqrt start strict string subtract sum synonym table then to trans transaction trigger true uid union unique update user validate values view when whenever where while with'.split(
    ' ',
  ),
);
const illegal = /[\0\u0001-\u0008\ufffe\uffff]/;

function tokenize(jql: string): Token[] {
  const tokens: Token[] = [];
  if (illegal.test(jql)) throw bad('Error in the JQL Query: Illegal character in JQL.');
  pattern.lastIndex = 0;
  while (pattern.lastIndex < jql.length) {
    const at = pattern.lastIndex;
    if (jql.slice(at).trim() === '') break;
    const [, quoted, sign, word] = pattern.exec(jql) ?? [];
    if (quoted !== undefined) tokens.push({ text: readEscapes(quoted.slice(1, -1)), kind: 'quoted', at });
    else if (sign !== undefined) tokens.push({ text: sign, kind: 'sign', at });
    else if (word !== undefined) {
      if (
        /[+.;?|*/%^$#@[\]{}`]/.test(word.replaceAll(/\\./gs, '')) &&
        !/^cf\[\d+\]$|^-?\d+(\.\d+)?[wdhmM]?$|^\d{4}\/\d/.test(word) &&
        !/^[\w.@:-]+$/.test(word)
      )
        throw bad(
          `Error in the JQL Query: The character '${word.match(/[+;?|*/%^$#[\]{}`]/)?.[0] ?? '.'}' is a reserved JQL character. You must enclose it in a string.`,
        );
      tokens.push({ text: readEscapes(word), kind: 'word', at });
    } else
      throw bad(
        `Error in the JQL Query: The quoted string '${jql.slice(at, at + 20)}' has not been completed. (line 1, character ${at + 1})`,
      );
  }
  return tokens;
}

function readEscapes(text: string): string {
  return text.replaceAll(/\\(u[0-9a-fA-F]{4}|.)/gs, (_, after: string) => {
    if (after.length === 5) return String.fromCharCode(Number.parseInt(after.slice(1), 16));
    const known: Record<string, string> = { t: '\t', n: '\n', r: '\r', '"': '"', "'": "'", '\\': '\\', ' ': ' ' };
    const read = known[after];
    if (read === undefined)
      throw bad(
        `Error in the JQL Query: '\\${after}' is an illegal JQL escape sequence. The valid escape sequences are \\', \\", \\t, \\n, \\r, \\\\, '\\ ' and \\uXXXX.`,
      );
    return read;
  });
}

/** Throws what Jira answers. */
export function parseJql(jql: string): Query {
  const tokens = tokenize(jql);
  let at = 0;
  const peek = () => tokens[at];
  const isWord = (...words: string[]) => {
    const token = tokens[at];
    return token?.kind === 'word' && words.includes(token.text.toLowerCase());
  };
  const isSign = (...signs: string[]) => peek()?.kind === 'sign' && signs.includes(peek()?.text ?? '');
  const unexpected = (what: string) => {
    const token = peek();
    return bad(
      token
        ? `Error in the JQL Query: Expecting ${what} but got '${token.text}'. (line 1, character ${token.at + 1})`
        : `Error in the JQL Query: Expecting ${what} before the end of the query.`,
    );
  };
  const take = (sign: string) => {
    if (!isSign(sign)) throw unexpected(`'${sign}'`);
    at += 1;
  };

  function or(): Clause {
    const parts = [and()];
    while (isWord('or')) {
      at += 1;
      parts.push(and());
    }
    return parts.length === 1 ? (parts[0] as Clause) : { kind: 'or', parts };
  }

  function and(): Clause {
    const parts = [not()];
    while (isWord('and')) {
      at += 1;
      parts.push(not());
    }
    return parts.length === 1 ? (parts[0] as Clause) : { kind: 'and', parts };
  }

  function not(): Clause {
    if (isWord('not') || isSign('!')) {
      at += 1;
      return { kind: 'not', part: not() };
    }
    if (!isSign('(')) return term();
    at += 1;
    const inner = or();
    take(')');
    return inner;
  }

  function name(): string {
    const token = peek();
    if (!token || token.kind === 'sign') throw unexpected('a field name');
    if (
      token.kind === 'word' &&
      reserved.has(token.text.toLowerCase()) &&
      !['created'].includes(token.text.toLowerCase())
    )
      throw bad(
        `Error in the JQL Query: '${token.text}' is a reserved JQL word. You must surround it in quotation marks to use it in a query.`,
      );
    at += 1;
    return token.text;
  }

  function operator(): string {
    if (isSign('=', '!=', '~', '!~', '<', '<=', '>', '>=')) return tokens[at++]?.text ?? '';
    const words = ['in', 'is', 'not', 'was', 'changed'];
    if (!isWord(...words)) throw unexpected("either 'OR' or 'AND' or an operator");
    const first = tokens[at++]?.text.toLowerCase() ?? '';
    if (first === 'not') {
      if (!isWord('in')) throw unexpected("'IN'");
      at += 1;
      return 'not in';
    }
    if (first === 'is' && isWord('not')) {
      at += 1;
      return 'is not';
    }
    return first;
  }

  function operand(): Operand {
    const token = peek();
    if (!token || token.kind === 'sign') throw unexpected('a value, list or function');
    at += 1;
    if (token.kind === 'word' && isSign('(')) {
      at += 1;
      const args: string[] = [];
      while (!isSign(')')) {
        const arg = peek();
        if (!arg || arg.kind === 'sign') throw unexpected("')'");
        args.push(arg.text);
        at += 1;
        if (isSign(',')) at += 1;
      }
      at += 1;
      return { kind: 'function', name: token.text, args };
    }
    if (token.kind === 'word' && ['empty', 'null'].includes(token.text.toLowerCase())) return { kind: 'empty' };
    if (token.kind === 'word' && reserved.has(token.text.toLowerCase()))
      throw bad(
        `Error in the JQL Query: '${token.text}' is a reserved JQL word. You must surround it in quotation marks to use it in a query.`,
      );
    return { kind: 'value', text: token.text, isQuoted: token.kind === 'quoted' };
  }

  function term(): Clause {
    const field = name();
    const sign = operator();
    if (!isSign('(')) return { kind: 'term', field, operator: sign, operands: [operand()] };
    at += 1;
    const operands = [operand()];
    while (isSign(',')) {
      at += 1;
      operands.push(operand());
    }
    take(')');
    return { kind: 'term', field, operator: sign, operands };
  }

  const where = tokens.length === 0 || isWord('order') ? null : or();
  const orderBy: Query['orderBy'] = [];
  if (isWord('order')) {
    at += 1;
    if (!isWord('by')) throw unexpected("'BY'");
    do {
      at += 1;
      const field = name();
      const isDescending = isWord('desc');
      if (isWord('asc', 'desc')) at += 1;
      orderBy.push({ field, isDescending });
    } while (isSign(','));
  }
  if (at < tokens.length) throw unexpected("either 'OR' or 'AND'");
  return { where, orderBy };
}
