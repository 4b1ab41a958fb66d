import type { TokenServer } from '../core/token-server.ts';

/** The repository whose checks and logs are read. */
export interface ReadRepository {
  apiUrl: string;
  /** "owner/name" */
  location: string;
}

/** What reads them. */
export function ciLogServer({ apiUrl, location }: ReadRepository): Omit<TokenServer, 'token'> {
  return {
    name: 'ci-logs',
    args: ['--repository', location],
    env: { GITHUB_API_URL: apiUrl },
    readOnly: ['list-checks', 'get-failed-jobs', 'get-job-log', 'compare-with-base', 'list-recent-failures'],
  };
}
