/** How people connect what is outside. */
export { openConnectDesk } from './connecting.ts';
export { type GitHubDesk, type NewApp, openGitHubDesk } from './connecting-github.ts';
