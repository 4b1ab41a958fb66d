import { addUrl } from './attach-pull-request.ts';
import { type Mutation, type Payload, sessionNow } from './mutations.ts';

interface Link {
  label: string;
  url: string;
}

/**
 * The page of a session as a link of an agent session. Linear does not say whether it takes one twice: its answer tells of all
 * that are there then, and of those that are there twice one stays (`withoutRepeats`).
 */
export function linkPage(agentSessionId: string, url: string): Mutation {
  const mutation = addUrl(agentSessionId, url, 'What Shipmate does');
  return { ...mutation, selection: `success agentSession { ${sessionNow} externalLinks { label url } }` };
}

export function withoutRepeats(agentSessionId: string, payload: Payload): Mutation | null {
  const { agentSession } = payload as { agentSession?: { externalLinks?: Link[] } };
  const links = (agentSession?.externalLinks ?? []).map(({ label, url }): Link => ({ label, url }));
  const externalUrls = links.filter(({ url }, place) => links.findIndex((each) => each.url === url) === place);
  if (externalUrls.length === links.length) return null;
  return {
    field: 'agentSessionUpdate',
    args: {
      id: { type: 'String!', value: agentSessionId },
      input: { type: 'AgentSessionUpdateInput!', value: { externalUrls } },
    },
    selection: `success agentSession { ${sessionNow} }`,
  };
}
