import { useEffect, useState } from 'react';

/**
 * Whether something has been so for a while without a break: what flickers is not worth a word.
 * Each change of `progress` begins the while anew.
 */
export function useLasting(isSo: boolean, forMs: number, progress?: number): boolean {
  const [isLong, setLong] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `progress` begins the while anew.
  useEffect(() => {
    setLong(false);
    if (!isSo) return;
    const timer = setTimeout(() => setLong(true), forMs);
    return () => clearTimeout(timer);
  }, [isSo, forMs, progress]);
  return isSo && isLong;
}
