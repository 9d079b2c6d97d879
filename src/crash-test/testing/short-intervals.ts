// Loaded into a relay's process before its own program (`--import`): snapshots are kept, and worth
// taking over, every few blocks, so that a test sees many of them in seconds.
import { TabellionNode } from '../../node/index.ts';
import { SnapshotWriter } from '../../node/store/snapshot-writer.ts';
import { SNAPSHOT_EVERY, SNAPSHOT_WORTH } from '../intervals.ts';

const { create } = TabellionNode;

TabellionNode.create = (home, options) =>
  create.call(TabellionNode, home, {
    ...options,
    snapshotEveryBlocks: SNAPSHOT_EVERY,
    snapshotWorthBlocks: SNAPSHOT_WORTH,
  });

const { put } = SnapshotWriter.prototype;

SnapshotWriter.prototype.put = function once(chunks) {
  const again = chunks.filter(({ index }) => this.have().has(index)).length;
  // The node fails of it, and says so: what a former life stored was fetched once more.
  if (again > 0) throw new Error(`${again} chunks were fetched again`);
  return put.call(this, chunks);
};
