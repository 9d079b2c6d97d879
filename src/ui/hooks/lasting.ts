import { useEffect, useState } from 'react';

/** Whether something has been so for a while without a break: what flickers is not worth a word. */
export function useLasting(isSo: boolean, forMs: number): boolean {
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    if (!isSo) {
      setLong(false);
      return;
    }
    const timer = setTimeout(() => setLong(true), forMs);
    return () => clearTimeout(timer);
  }, [isSo, forMs]);
  return isSo && isLong;
}
