import { notFound } from './refusal.ts';
import { type Routes, repositoryOf, route } from './rest.ts';
import { fullName, type Repository, type Ruleset } from './rows.ts';
import { describeProtection } from './views.ts';

function holdsFor({ include }: Ruleset, repository: Repository, branch: string): boolean {
  return include.some(
    (each) =>
      each === '~ALL' ||
      (each === '~DEFAULT_BRANCH' && branch === repository.defaultBranch) ||
      each === `refs/heads/${branch}`,
  );
}

const describeRuleset = (repository: Repository, { id, name, include, rules }: Ruleset) => ({
  id,
  name,
  target: 'branch',
  source_type: 'Repository',
  source: fullName(repository),
  enforcement: 'active',
  conditions: { ref_name: { include, exclude: [] } },
  rules,
});

export const rulesRoutes: Routes = {
  'repos/get-branch-rules': route<'repos/get-branch-rules'>('metadata:read', (call) => {
    const repository = repositoryOf(call);
    const rules = repository.rulesets
      .filter((ruleset) => holdsFor(ruleset, repository, call.path.branch))
      .flatMap(({ id, rules: each }) =>
        each.map((rule) => ({
          ...rule,
          ruleset_source_type: 'Repository',
          ruleset_source: fullName(repository),
          ruleset_id: id,
        })),
      );
    return { body: call.page(rules) };
  }),

  'repos/get-repo-rulesets': route<'repos/get-repo-rulesets'>('metadata:read', (call) => {
    const repository = repositoryOf(call);
    const listed = repository.rulesets.map((each) => {
      const { conditions, rules, ...brief } = describeRuleset(repository, each);
      return brief;
    });
    return { body: call.page(listed) };
  }),

  'repos/get-repo-ruleset': route<'repos/get-repo-ruleset'>('metadata:read', (call) => {
    const repository = repositoryOf(call);
    const found = repository.rulesets.find(({ id }) => id === call.path.ruleset_id);
    if (!found) throw notFound();
    return { body: describeRuleset(repository, found) };
  }),

  'repos/get-branch-protection': route<'repos/get-branch-protection'>('administration:read', (call) => {
    const protection = repositoryOf(call).protections.get(call.path.branch);
    if (!protection) throw notFound();
    return { body: describeProtection(protection) };
  }),
};
