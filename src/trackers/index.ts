import { board } from './board/definition.ts';
import { githubIssues } from './github-issues/definition.ts';
import { jira } from './jira/definition.ts';
import { linear } from './linear/definition.ts';

/**
 * All there are. The board is always on, and meant where no other is connected; of the others, the first that is on is meant
 * where nobody says which.
 */
export const trackers = [board, linear, jira, githubIssues] as const;
