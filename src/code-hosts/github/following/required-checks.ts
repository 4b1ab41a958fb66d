import type { components } from '@octokit/openapi-types';
import type { RepositoryReach } from '../../../vendors/github/client.ts';
import { unlessRefused } from './unless-refused.ts';

type Rule = components['schemas']['repository-rule-detailed'];
type Branch = components['schemas']['branch-with-protection'];

/**
 * Names without which nothing may be merged into a branch: by rulesets and by protection. null: nobody says, or we
 * may not know. Rulesets are not there on older servers and not in every plan; a base branch may be gone.
 */
export async function readRequiredChecks(
  reach: RepositoryReach,
  branch: string,
  signal: AbortSignal,
): Promise<string[] | null> {
  const [rules, protection] = await Promise.all([
    unlessRefused(reach.list<Rule>('GET /repos/{owner}/{repo}/rules/branches/{branch}', { branch }, signal)),
    unlessRefused(reach.get<Branch>('GET /repos/{owner}/{repo}/branches/{branch}', { branch }, signal)),
  ]);
  const byRules = (rules ?? []).flatMap((rule) =>
    rule.type === 'required_status_checks' ? (rule.parameters?.required_status_checks ?? []) : [],
  );
  const policy = protection?.protection?.required_status_checks;
  const byProtection = policy?.enforcement_level === 'off' ? [] : (policy?.contexts ?? []);
  const names = new Set([...byRules.map(({ context }) => context), ...byProtection]);
  return names.size > 0 ? [...names] : null;
}
