import { commitOf, git } from './git.ts';
import { Refusal } from './refusal.ts';
import { describeCommit } from './repository-routes.ts';
import { type Routes, repositoryOf, route } from './rest.ts';

export const commitListRoutes: Routes = {
  'repos/list-commits': route<'repos/list-commits'>('contents:read', async (call) => {
    const repository = repositoryOf(call);
    const wanted = call.query.sha ?? repository.defaultBranch;
    const sha = await commitOf(repository.dir, wanted);
    if (sha === null) throw new Refusal(404, `No commit found for SHA: ${wanted}`);
    const listed = (await git(repository.dir, ['rev-list', sha])).split('\n');
    const shown = call.page(listed);
    return { body: await Promise.all(shown.map((each) => describeCommit(repository, call.github.apiUrl, each))) };
  }),
};
