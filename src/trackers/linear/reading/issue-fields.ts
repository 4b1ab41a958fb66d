import type { HintNode } from '../hint.ts';
import { hintFields } from '../hint.ts';
import { type TeamState, type WorkflowNode, workflowFields } from '../states.ts';

const person = 'id name app';

/** What is told of a ticket that another has to do with. */
const relatedFields = `fragment RelatedFields on Issue { ...HintFields trashed state { name type } }`;

const commentFields = `fragment CommentFields on Comment {
  id body createdAt
  user { ${person} } externalUser { id name } botActor { id name } agentSession { id }
}`;

/**
 * The whole ticket in one request, of some 2,700 of the 10,000 points that one may cost. Customer requests are asked for
 * only where the app may see them: else the answer would be a refusal of everything.
 */
export const ticketDocument = `query ReadTicket($id: String!, $needs: Boolean!) {
  issue(id: $id) {
    ...HintFields
    description estimate dueDate updatedAt trashed
    state { id name type }
    assignee { ${person} }
    delegate { ${person} }
    cycle { number name endsAt }
    projectMilestone { name }
    labels(first: 100) { nodes { name } }
    team { ${workflowFields} }
    parent { ...RelatedFields }
    children(first: 100) { nodes { ...RelatedFields createdAt subIssueSortOrder } }
    relations(first: 50) { nodes { type relatedIssue { ...RelatedFields } } }
    inverseRelations(first: 50) { nodes { type issue { ...RelatedFields } } }
    attachments(first: 50) { nodes { title subtitle url sourceType creator { id } } }
    needs(first: 20) @include(if: $needs) {
      nodes { content body priority customer { name } } pageInfo { hasNextPage }
    }
    comments(first: 100) { nodes { ...CommentFields } pageInfo { hasNextPage } }
    agentSessions(first: 10) {
      nodes {
        appUser { id }
        activities(first: 10, filter: { type: { eq: "prompt" }, sourceComment: { null: true } }) {
          nodes { id createdAt user { ${person} } content { ... on AgentActivityPromptContent { body } } }
        }
      }
    }
  }
}
${hintFields}
${relatedFields}
${commentFields}`;

/** The other end of a thread of more than a hundred. */
export const lastCommentsDocument = `query ReadLastComments($id: String!) {
  issue(id: $id) { comments(last: 100) { nodes { ...CommentFields } } }
}
${commentFields}`;

interface Nodes<Node> {
  nodes: Node[];
}

export interface UserNode {
  id: string;
  name: string;
  app: boolean;
}

export interface CommentNode {
  id: string;
  body: string;
  createdAt: string;
  user: UserNode | null;
  externalUser: { id: string; name: string } | null;
  botActor: { id: string | null; name: string | null } | null;
  agentSession: { id: string } | null;
}

export type RelatedNode = HintNode & { trashed: boolean | null; state: Pick<TeamState, 'name' | 'type'> };

export type IssueNode = HintNode & {
  description: string | null;
  estimate: number | null;
  dueDate: string | null;
  updatedAt: string;
  trashed: boolean | null;
  state: Pick<TeamState, 'id' | 'name' | 'type'>;
  assignee: UserNode | null;
  delegate: UserNode | null;
  cycle: { number: number; name: string | null; endsAt: string } | null;
  projectMilestone: { name: string } | null;
  labels: Nodes<{ name: string }>;
  team: WorkflowNode;
  parent: RelatedNode | null;
  children: Nodes<RelatedNode & { createdAt: string; subIssueSortOrder: number | null }>;
  relations: Nodes<{ type: string; relatedIssue: RelatedNode }>;
  inverseRelations: Nodes<{ type: string; issue: RelatedNode }>;
  attachments: Nodes<{
    title: string;
    subtitle: string | null;
    url: string;
    sourceType: string | null;
    creator: { id: string } | null;
  }>;
  needs?: Nodes<{
    content: string | null;
    body: string | null;
    priority: number;
    customer: { name: string } | null;
  }> & {
    pageInfo: { hasNextPage: boolean };
  };
  /** What people told the agent without a comment: that it is to stop, by the button. */
  agentSessions: Nodes<{
    appUser: { id: string };
    activities: Nodes<{ id: string; createdAt: string; user: UserNode; content: { body: string } }>;
  }>;
  comments: Nodes<CommentNode> & { pageInfo: { hasNextPage: boolean } };
};
