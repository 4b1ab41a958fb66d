import { codeHostContract } from '../../contracts/code-host.ts';
import { openLocalGitWorld } from './world.ts';

codeHostContract('local-git', openLocalGitWorld);
