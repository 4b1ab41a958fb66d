import { LinearDocument } from '@linear/sdk';
import { test } from 'vitest';
import { linearSchema, validateDocument } from '../../stand-ins/linear/schema.ts';

test('all documents of the SDK are valid by the schema that is derived from its types', ({ expect }) => {
  const documents = Object.entries(LinearDocument as object).filter(([name]) => name.endsWith('Document'));
  expect(documents.length).toBeGreaterThan(500);
  const wrong = documents.flatMap(([name, text]) =>
    validateDocument(String(text)).map((problem) => `${name}: ${problem}`),
  );
  expect(wrong).toEqual([]);
});

test('what it does not have is refused', ({ expect }) => {
  const create = (input: string) =>
    validateDocument(`mutation { agentActivityCreate(input: ${input}) { success agentActivity { id } } }`);
  expect(create('{ agentSessionId: "1", content: { type: "thought", body: "x" } }')).toEqual([]);
  expect(create('{ agentSessionId: "1", content: {}, mood: "good" }')).toEqual([expect.stringContaining('"mood"')]);
  expect(create('{ content: {} }')).toEqual([expect.stringContaining('agentSessionId')]);
  expect(create('{ agentSessionId: 1, content: {} }')).toEqual([expect.stringContaining('String')]);
  expect(validateDocument('{ issue { id } }')).toEqual([expect.stringContaining('Query.issue(id:)')]);
  expect(validateDocument('{ viewer { mood } }')).toEqual([expect.stringContaining('mood')]);
  expect(validateDocument('{ viewer {')).toEqual([expect.stringContaining('Syntax Error')]);
});

test('it knows what may be missing, and what webhooks carry', ({ expect }) => {
  const schema = linearSchema();
  const fieldsOf = (type: string) => {
    const fields = (schema.getType(type) as { getFields?(): Record<string, { type: unknown }> })?.getFields?.() ?? {};
    return (name: string) => String(fields[name]?.type);
  };
  const issue = fieldsOf('Issue');
  expect([issue('title'), issue('delegate'), issue('labelIds'), issue('comments')]).toEqual([
    'String!',
    'User',
    '[String!]!',
    'CommentConnection!',
  ]);
  const update = fieldsOf('AgentSessionUpdateInput');
  expect([update('plan'), update('addedExternalUrls')]).toEqual(['JSONObject', '[AgentSessionExternalUrlInput!]']);
  const told = fieldsOf('AgentSessionEventWebhookPayload');
  expect([told('agentSession'), told('promptContext')]).toEqual(['AgentSessionWebhookPayload!', 'String']);
});
