import { textOf } from './issues.ts';
import { type Clause, type Operand, parseJql } from './jql-parse.ts';
import { hasWords, readWords } from './jql-words.ts';
import { bad } from './refusal.ts';
import type { Field, Issue, IssueState, User } from './rows.ts';
import { readCategory, type Site } from './site.ts';
import { wordsOf } from './text.ts';
import { readUserTime } from './time.ts';

/**
 * The part of JQL that is understood: AND, OR, NOT, brackets; = != in, not in, is, ~ < > <= >=; the fields of `kinds`, custom ones
 * by name and as cf[id]; currentUser(), now(), startOfDay(), and times such as -15m. Anything else is refused with 400.
 */
export interface Compiled {
  fits(issue: Issue, state: IssueState): boolean;
  compare(a: Row, b: Row): number;
  /** Whether it narrows anything down: Jira takes no query that asks for all. */
  isBounded: boolean;
}

const rankOf = (value: unknown) => (typeof value === 'number' ? value : String(value ?? ''));

interface Row {
  issue: Issue;
  state: IssueState;
}

type Kind = 'ids' | 'time' | 'text' | 'number';

interface Known {
  kind: Kind;
  /** What is compared: ids or names that a value stands for, a time, a text. */
  of(row: Row): unknown;
  /** What a value stands for. Throws where there is none such. */
  read?(text: string): unknown;
  /** For ORDER BY; without it as `of`. */
  rank?(row: Row): number | string;
}

export function matchesJql(site: Site, jql: string, issue: Issue, user: User | null): boolean {
  return compileJql(site, jql, user).fits(issue, issue);
}

export function compileJql(site: Site, jql: string, user: User | null): Compiled {
  const { where, orderBy } = parseJql(jql);
  const known = (name: string) => knownField(site, name, user);
  const test = where === null ? () => true : compile(where);
  const orders = (orderBy.length === 0 ? [{ field: 'created', isDescending: true }] : orderBy).map((order) => {
    const { of, rank = (row: Row) => rankOf(of(row)) } = known(order.field);
    return { rank, sign: order.isDescending ? -1 : 1 };
  });

  function compile(clause: Clause): (row: Row) => boolean {
    if (clause.kind === 'not') {
      const inner = compile(clause.part);
      return (row) => !inner(row);
    }
    if (clause.kind !== 'term') {
      const parts = clause.parts.map(compile);
      return clause.kind === 'and'
        ? (row) => parts.every((part) => part(row))
        : (row) => parts.some((part) => part(row));
    }
    return compileTerm(site, known(clause.field), clause, user);
  }

  return {
    isBounded: where !== null,
    fits: (issue, state) => test({ issue, state }),
    compare(a, b) {
      for (const { rank, sign } of orders) {
        const [one, two] = [rank(a) ?? '', rank(b) ?? ''];
        if (one !== two) return sign * (one < two ? -1 : 1);
      }
      // What is equal stands newest first, so that pages do not overlap.
      return Number(b.issue.id) - Number(a.issue.id);
    },
  };
}

function compileTerm(
  site: Site,
  { kind, of, read = (text) => text }: Known,
  { field, operator, operands }: Clause & { kind: 'term' },
  user: User | null,
): (row: Row) => boolean {
  const unsupported = () => bad(`The operator '${operator}' is not supported by the '${field}' field.`);
  if (kind === 'text') {
    const [operand] = operands;
    if (['is', 'is not'].includes(operator))
      return (row) => (String(of(row) ?? '').trim() === '') === (operator === 'is');
    if (!['~', '!~'].includes(operator) || !operand || operand.kind === 'empty') throw unsupported();
    // Who is mentioned is found by the account: it is how Jira keeps a mention.
    if (operand.kind === 'function') {
      if (operand.name.toLowerCase() !== 'currentuser' || !user) throw unsupported();
      return (row) => String(of(row) ?? '').includes(user.accountId) === (operator === '~');
    }
    if (operand.text.trim() === '') throw bad(`The field '${field}' does not support searching for an empty string.`);
    const wanted = readWords(operand.text, field);
    return (row) => hasWords(String(of(row) ?? ''), wanted) === (operator === '~');
  }
  if (kind === 'time' || kind === 'number') {
    if (['is', 'is not'].includes(operator)) return (row) => (of(row) == null) === (operator === 'is');
    const [operand] = operands;
    if (!operand || operand.kind === 'empty' || operands.length > 1) throw unsupported();
    const limit =
      kind === 'number' && operand.kind === 'value' ? Number(operand.text) : readTime(site, field, operand, user);
    const compare: Record<string, (at: number) => boolean> = {
      '>=': (at) => at >= limit,
      '>': (at) => at > limit,
      '<=': (at) => at <= limit,
      '<': (at) => at < limit,
      '=': (at) => at === limit,
      '!=': (at) => at !== limit,
    };
    const fits = compare[operator];
    if (!fits) throw unsupported();
    return (row) => of(row) != null && fits(of(row) as number);
  }
  if (!['=', '!=', 'in', 'not in', 'is', 'is not'].includes(operator)) throw unsupported();
  const isIn = operator === 'in' || operator === 'not in';
  if (!isIn && operands.length > 1) throw unsupported();
  const wanted = operands.map((operand) => {
    if (operand.kind === 'empty') return null;
    if (operand.kind === 'value') return read(operand.text);
    if (operand.name.toLowerCase() === 'currentuser' && user) return user.accountId;
    throw bad(`Unable to find JQL function '${operand.name}(${operand.args.join(', ')})'.`);
  });
  const isWanted = ['=', 'in', 'is'].includes(operator);
  return (row) => {
    const values: unknown[] = ([of(row)] as unknown[]).flat().filter((value) => value != null);
    const has = wanted.some((one) => (one === null ? values.length === 0 : values.includes(one)));
    // What has no value is not found by "is not this", either.
    return isWanted ? has : !has && (values.length > 0 || wanted.includes(null));
  };
}

const unitMs: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

function readTime(site: Site, field: string, operand: Operand, user: User | null): number {
  const now = site.clock.now();
  if (operand.kind === 'function') {
    const name = operand.name.toLowerCase();
    if (name === 'now') return now;
    if (name === 'startofday') return now - (now % 86_400_000);
    throw bad(`Unable to find JQL function '${operand.name}(${operand.args.join(', ')})'.`);
  }
  const text = operand.kind === 'value' ? operand.text.trim() : '';
  const relative = [...text.matchAll(/(\d+)([mhdw])/g)];
  if (/^[+-]?(\d+[mhdw]\s*)+$/.test(text)) {
    const ms = relative.reduce((sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ''] ?? 0), 0);
    return text.startsWith('-') ? now - ms : now + ms;
  }
  const at = readUserTime(text, user?.timeZone ?? 'Etc/UTC');
  if (at !== null) return at;
  throw bad(
    `Date value '${text}' for field '${field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.`,
  );
}

function knownField(site: Site, asked: string, user: User | null): Known {
  const name = asked.toLowerCase();
  const noValue = (text: string) => bad(`The value '${text}' does not exist for the field '${asked}'.`);
  const byName =
    <Found extends { id: string; name: string }>(rows: Found[]) =>
    (text: string) => {
      const found = rows.filter((row) => row.id === text || row.name.toLowerCase() === text.toLowerCase());
      if (found.length === 0) throw noValue(text);
      return found[0]?.id === text ? `#${text}` : text.toLowerCase();
    };
  const userOf = (text: string) => {
    const found = site.users.find(({ accountId, emailAddress }) => accountId === text || emailAddress === text);
    if (!found) throw noValue(text);
    return found.accountId;
  };
  const issueOf = (text: string) => {
    const found = site.find(text);
    if (found && site.may(user, 'BROWSE_PROJECTS', found.project)) return found.id;
    throw bad(
      /^\d+$/.test(text)
        ? `A value with ID '${text}' does not exist for the field '${asked}'.`
        : `An issue with key '${text}' does not exist for field '${asked}'.`,
    );
  };
  const time = (of: (row: Row) => string | null): Known => ({
    kind: 'time',
    of: (row) => {
      const at = of(row);
      return at === null ? null : Date.parse(at);
    },
  });
  const text = (of: (row: Row) => string): Known => ({ kind: 'text', of });
  const ids = (of: Known['of'], read?: Known['read'], rank?: Known['rank']): Known => ({
    kind: 'ids',
    of,
    ...(read && { read }),
    ...(rank && { rank }),
  });
  const commentsOf = ({ state }: Row) => state.comments.map(({ body }) => wordsOf(body)).join('\n');
  const types = site.projects.flatMap(({ issueTypes }) => issueTypes);
  /** What names it: its id, or its name, which others may have as well. */
  const lower = (value: { id: string; name: string } | null) => value && [`#${value.id}`, value.name.toLowerCase()];
  const number = ({ state }: Row) => `${state.project.key} ${state.key.replace(/^.+-/, '').padStart(9, '0')}`;

  const kinds: Record<string, () => Known> = {
    project: () =>
      ids(
        ({ state }) => state.project.id,
        (wanted) => {
          const found =
            site.project(wanted) ?? site.projects.find((each) => each.name.toLowerCase() === wanted.toLowerCase());
          if (!found || !site.may(user, 'BROWSE_PROJECTS', found)) throw noValue(wanted);
          return found.id;
        },
        ({ state }) => state.project.key,
      ),
    assignee: () => ids(({ state }) => state.assignee?.accountId, userOf),
    reporter: () => ids(({ state }) => state.reporter?.accountId, userOf),
    creator: () => ids(({ state }) => state.creator.accountId, userOf),
    status: () => ids(({ state }) => lower(state.status), byName(site.statuses)),
    statuscategory: () =>
      ids(
        ({ state }) => state.status.category,
        (wanted) => {
          const found = readCategory(wanted);
          if (found === null) throw noValue(wanted);
          return found;
        },
      ),
    labels: () =>
      ids(
        ({ state }) => state.labels.map((label) => label.toLowerCase()),
        (label) => label.toLowerCase(),
      ),
    component: () =>
      ids(
        ({ state }) => state.components.flatMap((each) => lower(each) ?? []),
        byName(site.projects.flatMap(({ components }) => components)),
      ),
    issuetype: () => ids(({ state }) => lower(state.issueType), byName(types)),
    priority: () =>
      ids(
        ({ state }) => lower(state.priority),
        byName(site.priorities),
        ({ state }) => 9 - Number(state.priority?.id ?? 9),
      ),
    resolution: () =>
      ids(
        ({ state }) => lower(state.resolution),
        (wanted) => (wanted.toLowerCase() === 'unresolved' ? null : byName(site.resolutions)(wanted)),
      ),
    key: () => ids(({ issue }) => issue.id, issueOf, number),
    parent: () => ids(({ state }) => state.parentId, issueOf),
    created: () => time(({ state }) => state.created),
    updated: () => time(({ state }) => state.updated),
    due: () => time(({ state }) => state.duedate),
    statuscategorychangeddate: () => time(({ state }) => state.statusChanged),
    summary: () => text(({ state }) => state.summary),
    description: () => text(({ state }) => wordsOf(state.description)),
    comment: () => text(commentsOf),
    text: () => text((row) => `${row.state.summary}\n${wordsOf(row.state.description)}\n${commentsOf(row)}`),
    rank: () =>
      ids(
        ({ issue }) => issue.id,
        issueOf,
        ({ issue }) => Number(issue.id),
      ),
  };
  const others: Record<string, string> = {
    id: 'key',
    issue: 'key',
    issuekey: 'key',
    type: 'issuetype',
    duedate: 'due',
    createddate: 'created',
    updateddate: 'updated',
  };
  const found = kinds[others[name] ?? name];
  if (found) return found();
  const id = /^cf\[(\d+)\]$/.exec(name)?.[1];
  const field = site.fields.find(
    (each) => each.custom && (id === undefined ? each.name.toLowerCase() === name : each.id === `customfield_${id}`),
  );
  if (!field) throw bad(`Field '${asked}' does not exist or you do not have permission to view it.`);
  return ofCustomField(field);
}

function ofCustomField({ id, schema }: Field): Known {
  const of = ({ state }: Row) => state.values[id] ?? null;
  if (schema.type === 'number') return { kind: 'number', of };
  if (schema.type === 'date' || schema.type === 'datetime')
    return { kind: 'time', of: (row) => (of(row) === null ? null : Date.parse(String(of(row)))) };
  if (schema.type === 'string')
    return { kind: 'text', of: (row) => (typeof of(row) === 'string' ? of(row) : wordsOf(of(row))) };
  return {
    kind: 'ids',
    of: (row) => [of(row)].flat().map((value) => (value === null ? null : textOf(value).toLowerCase())),
    read: (text) => text.toLowerCase(),
  };
}
