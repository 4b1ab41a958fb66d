import { codeHostContract } from '../../contracts/code-host.ts';
import { openGitHubWorld } from './world.ts';

codeHostContract('github', () => openGitHubWorld());
