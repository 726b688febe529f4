// Lists of what belongs to one thing.

/** Puts an item behind those that its key has. */
export function enter<Key, Item>(lists: Map<Key, Item[]>, key: Key, item: Item): void {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}
