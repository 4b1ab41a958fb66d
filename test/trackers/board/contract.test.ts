import { trackerContract } from '../../contracts/tracker.ts';
import { openBoardWorld } from './world.ts';

trackerContract('board', openBoardWorld);
