// Loaded into a validator's process before its own program (`--import`): a validator that forgets
// its log of votes whenever it starts. What looks for double votes must find this one.
import { LevelDbStore } from '../../storage/level-db-store.ts';

const { list } = LevelDbStore.prototype;

LevelDbStore.prototype.list = function forgetful(space, range) {
  return space === 'wal' ? Promise.resolve([]) : list.call(this, space, range);
};
