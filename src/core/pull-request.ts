export interface PullRequest {
  repository: string;
  number: number;
  url: string;
  title: string;
  body: string;
  base: string;
  head: string;
  state: 'open' | 'merged' | 'closed';
  draft: boolean;
}
