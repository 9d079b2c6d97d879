import { create } from 'zustand';
import { useSigning } from '../hooks/signing.ts';

type Update = {
  /** Hands over to the waiting service worker and reloads; absent while none waits. */
  readonly takeOver: (() => void) | undefined;
};

const useWaiting = create<Update>(() => ({ takeOver: undefined }));

/** Called by `main` when a new version of the app waits. */
export function offerUpdate(takeOver: () => void): void {
  useWaiting.setState({ takeOver });
}

/** The waiting update, and whether now is a good moment: never in the middle of a signature. */
export function useUpdate() {
  const takeOver = useWaiting((waiting) => waiting.takeOver);
  const mayApply = useSigning((signing) => signing.request === undefined);
  return {
    isWaiting: takeOver !== undefined,
    mayApply,
    apply: () => {
      if (useSigning.getState().request === undefined) takeOver?.();
    },
  };
}
