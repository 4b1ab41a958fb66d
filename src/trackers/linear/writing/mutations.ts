import { hintFields } from '../hint.ts';

/** Things that Linear lets us choose the id of: where one is already, it was sent before. */
export type Made = 'activity' | 'issue' | 'relation' | 'label';

/** One field of a document of mutations. */
export interface Mutation {
  /** As the schema calls it. */
  field: string;
  args: Record<string, { type: string; value: unknown }>;
  /** What is asked of its payload. */
  selection: string;
  makes?: { kind: Exclude<Made, 'relation'>; id: string } | { kind: 'relation'; id: string; of: string };
  /** What is sent in its place where Linear refuses it. */
  instead?: Mutation;
  /** Without it the rest goes on all the same. */
  isOptional?: boolean;
}

/** What Linear answered to one, or what was read of it later; empty where nobody knows any more. */
export type Payload = Record<string, unknown>;

/** An issue as it stands right after a mutation, so that the next one need not read it. */
export const issueNow = 'id state { id } team { id } delegate { id }';

/** What tells a session that began with a mention from one that began because the issue was given to the agent. */
export const begunBy = 'sourceComment { id } comment { id user { app } }';

/** The same, of an agent session that was written to. */
export const sessionNow = `id ${begunBy} issue { ${issueNow} }`;

export function aliasOf(place: number): string {
  return `m${place}`;
}

/** One document; Linear carries its fields out one after the other, and none behind one that it refuses. */
export function writeDocument(mutations: readonly Mutation[]): {
  document: string;
  variables: Record<string, unknown>;
} {
  const declared: string[] = [];
  const variables: Record<string, unknown> = {};
  const fields = mutations.map(({ field, args, selection }, place) => {
    const given = Object.entries(args).map(([name, { type, value }]) => {
      const variable = `${aliasOf(place)}_${name}`;
      declared.push(`$${variable}: ${type}`);
      variables[variable] = value;
      return `${name}: $${variable}`;
    });
    return `  ${aliasOf(place)}: ${field}(${given.join(', ')}) { ${selection} }`;
  });
  const fragment = mutations.some(({ selection }) => selection.includes('...HintFields')) ? `\n${hintFields}` : '';
  return { document: `mutation Send(${declared.join(', ')}) {\n${fields.join('\n')}\n}${fragment}`, variables };
}

/** A document stays far under Linear's 10,000 points, and under what an HTTP server takes as a body. */
const most = { mutations: 20, bytes: 1_000_000 };

/** Runs of `items` that fit one document each, in their order; what is too large by itself goes alone. */
export function packed<Item extends { mutations: readonly Mutation[] }>(items: readonly Item[]): Item[][] {
  const packs: Item[][] = [];
  let room = { mutations: 0, bytes: 0 };
  for (const item of items) {
    const needed = { mutations: item.mutations.length, bytes: sizeOf(item.mutations) };
    const pack = packs.at(-1);
    if (pack && needed.mutations <= room.mutations && needed.bytes <= room.bytes) pack.push(item);
    else {
      packs.push([item]);
      room = { ...most };
    }
    room = { mutations: room.mutations - needed.mutations, bytes: room.bytes - needed.bytes };
  }
  return packs;
}

function sizeOf(mutations: readonly Mutation[]): number {
  return mutations.reduce((sum, { args }) => sum + Buffer.byteLength(JSON.stringify(args)), 0);
}
