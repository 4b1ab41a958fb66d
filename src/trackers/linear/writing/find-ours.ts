import { VendorError } from '../../../core/vendor-error.ts';
import { hintFields } from '../hint.ts';
import type { Made, Mutation, Payload } from './mutations.ts';
import type { Asking } from './place.ts';

type Listed = Exclude<Made, 'relation'>;

/** How to ask for those of some ids that are there, and under which name their payloads have them. */
const lists: Record<Listed, { field: string; filter: string; fields: string; as: string }> = {
  activity: { field: 'agentActivities', filter: 'AgentActivityFilter', fields: 'id createdAt', as: 'agentActivity' },
  issue: { field: 'issues', filter: 'IssueFilter', fields: '...HintFields', as: 'issue' },
  label: { field: 'issueLabels', filter: 'IssueLabelFilter', fields: 'id', as: 'issueLabel' },
};

/** What is there of that which mutations were to make, by its id, as the payload that told of it. */
export async function findOurs(
  { client, workspace, signal }: Asking,
  mutations: readonly Mutation[],
): Promise<Map<string, Payload>> {
  const found = new Map<string, Payload>();
  const asked = (Object.keys(lists) as Listed[]).flatMap((kind) => {
    const ids = mutations.flatMap(({ makes }) => (makes?.kind === kind ? [makes.id] : []));
    return ids.length === 0 ? [] : [{ kind, ids, ...lists[kind] }];
  });
  if (asked.length > 0) {
    const { document, variables } = writeFind(asked);
    const data = await client.request<Record<string, { nodes: { id: string }[] }>>(
      workspace,
      document,
      variables,
      signal,
    );
    for (const { field, as } of asked) for (const node of data[field]?.nodes ?? []) found.set(node.id, { [as]: node });
  }
  const related = new Set(mutations.flatMap(({ makes }) => (makes?.kind === 'relation' ? [makes.of] : [])));
  for (const issue of related)
    for (const id of await relationsOf({ client, workspace, signal }, issue)) found.set(id, {});
  return found;
}

/** Each way in which it is asked, to be checked by the schema. */
export function findDocuments(): string[] {
  const all = Object.values(lists).map((list) => ({ ...list, ids: ['id'] }));
  return [...all.map((list) => [list]), all].map((asked) => writeFind(asked).document);
}

function writeFind(asked: readonly { field: string; filter: string; fields: string; ids: readonly string[] }[]): {
  document: string;
  variables: Record<string, unknown>;
} {
  const declared = asked.map(({ field, filter }) => `$${field}: ${filter}`);
  const fields = asked.map(
    ({ field, fields, ids }) =>
      `  ${field}(filter: $${field}, first: ${ids.length}, includeArchived: true) { nodes { ${fields} } }`,
  );
  const fragment = asked.some(({ field }) => field === 'issues') ? `\n${hintFields}` : '';
  return {
    document: `query FindOurs(${declared.join(', ')}) {\n${fields.join('\n')}\n}${fragment}`,
    variables: Object.fromEntries(asked.map(({ field, ids }) => [field, { id: { in: ids } }])),
  };
}

const relationFields = '(first: 100, includeArchived: true) { nodes { id } }';

export const findRelationsDocument = `query FindRelations($id: String!) {
  issue(id: $id) { relations${relationFields} inverseRelations${relationFields} }
}`;

async function relationsOf({ client, workspace, signal }: Asking, id: string): Promise<string[]> {
  type Ids = { nodes: { id: string }[] };
  try {
    const answer = await client.request<{ issue: { relations: Ids; inverseRelations: Ids } }>(
      workspace,
      findRelationsDocument,
      { id },
      signal,
    );
    const { relations, inverseRelations } = answer.issue;
    return [...relations.nodes, ...inverseRelations.nodes].map((relation) => relation.id);
  } catch (error) {
    if (error instanceof VendorError && error.code === 'not_found') return []; // the issue is not filed yet
    throw error;
  }
}
