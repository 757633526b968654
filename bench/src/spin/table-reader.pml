/*
 * Looking an address up in page tables without the lock, while writers with the lock map it, unmap
 * it, split the large page around it and collapse that again, and while each table that is freed is
 * somebody else's at once.
 *
 * Mirrors, in dev.bifolio.kernel.table: TableReader, the words of SpaceWords, and the orders of
 * stores in TableMapper, TableChanger (unmap, split with break before make), TableCollapser and
 * AddressSpace.flushed. One root entry, frames for two tables with one entry each. An atomic block is
 * one access to shared memory.
 *
 *   lk     the lock of the space
 *   seq    odd while an entry is taken away only to come back; 2 more before tables are freed
 *   root   NOTHING, LARGE (a leaf), or TABLE + the number of a frame
 *   tab    what the entry of each frame says: NOTHING, PAGE, or GARBAGE of whom it belongs to now
 *
 * Processes: two writers that choose what to do, two readers.
 *
 * Properties
 *   P1  no reader believes garbage;
 *   P2  a reader says "not mapped" only if that was so at some moment while he looked;
 *   P3  he says "mapped" only if that was so at some moment while he looked;
 *   P4  in the end no table is lost, and the sequence is even.
 *
 * Long: -DTURNS=3
 *
 * Mutants, each seen to fail: -DNO_SKIP (tables are freed without a change of the sequence),
 * -DFREE_FIRST (the sequence changes after they are freed), -DNO_STEP (the sequence does not change
 * around a break), -DIGNORE_ODD (a reader begins in the middle of one), -DNO_LOOK_AFTER (a reader
 * does not look at the sequence again), -DNAME_FIRST (a table is named before it is filled),
 * -DUNLINK_LAST (a table is freed while the root names it), -DNO_LOCK (writers do not take turns).
 */
#ifndef TURNS
#define TURNS 2
#endif
#define NOTHING 0
#define PAGE 1
#define GARBAGE 2
#define LARGE 3
#define TABLE 4

bit lk;
byte seq;
byte root;
byte tab[2] = GARBAGE;
byte free = 3;
byte running;

/* ghosts */
bit mapped;
bit seenGone[2];
bit seenThere[2];

/* The logical state changes: who looks meanwhile may say either. */
inline becomes(is) {
  mapped = is;
  if
  :: is -> seenThere[0] = 1; seenThere[1] = 1
  :: else -> seenGone[0] = 1; seenGone[1] = 1
  fi
}

inline takeTable() {
  atomic {
    if
    :: free & 1 -> f = 0
    :: else -> assert(free & 2); f = 1
    fi;
    free = free & ~(1 << f)
  }
  atomic { tab[f] = NOTHING }
}

inline freeTable() {
#ifdef FREE_FIRST
  atomic { assert(!(free & (1 << f))); free = free | (1 << f); tab[f] = GARBAGE }
  atomic { seq = seq + 2 }
#else
#ifndef NO_SKIP
  atomic { seq = seq + 2 }
#endif
  atomic { assert(!(free & (1 << f))); free = free | (1 << f); tab[f] = GARBAGE }
#endif
}

inline step() {
#ifndef NO_STEP
  atomic { seq++ }
#else
  skip
#endif
}

proctype Writer() {
  byte turn, f, r;
  do
  :: turn == TURNS -> break
  :: turn < TURNS ->
     turn++;
#ifndef NO_LOCK
     atomic { lk == 0 -> lk = 1 }
#endif
     atomic { r = root }
     if
     :: r == NOTHING -> /* map a small page, with a new table */
        takeTable();
#ifdef NAME_FIRST
        atomic { root = TABLE + f; becomes(1) }
        atomic { tab[f] = PAGE }
#else
        atomic { tab[f] = PAGE }
        atomic { root = TABLE + f; becomes(1) }
#endif
     :: r == NOTHING -> /* map a large one */
        atomic { root = LARGE; becomes(1) }
     :: r == LARGE -> /* unmap it: no table goes */
        atomic { root = NOTHING; becomes(0) }
     :: r == LARGE -> /* split it, break before make */
        takeTable();
        step();
        atomic { root = NOTHING }
        atomic { tab[f] = PAGE }
        atomic { root = TABLE + f }
        step()
     :: r >= TABLE -> /* unmap the only page of a table, which goes too */
        f = r - TABLE;
        atomic { tab[f] = NOTHING; becomes(0) }
#ifdef UNLINK_LAST
        freeTable();
        atomic { root = NOTHING }
#else
        atomic { root = NOTHING }
        freeTable()
#endif
     :: r >= TABLE -> /* collapse it */
        f = r - TABLE;
        step();
        atomic { root = NOTHING }
        atomic { root = LARGE }
        step();
        freeTable()
     fi;
#ifndef NO_LOCK
     atomic { lk = 0 }
#endif
     atomic { f = 0; r = 0 }
  od;
  atomic { turn = 0; running-- }
}

proctype Reader(byte me) {
  byte turn, s, e;
  do
  :: turn == TURNS -> break
  :: turn < TURNS ->
     turn++;
     atomic { seenGone[me] = !mapped; seenThere[me] = mapped }
again:
#ifdef IGNORE_ODD
     atomic { s = seq }
#else
     atomic { !(seq & 1) -> s = seq }
#endif
     atomic { e = root }
     if
     :: e >= TABLE -> atomic { e = tab[e - TABLE] }
     :: else
     fi;
#ifndef NO_LOOK_AFTER
     atomic {
       if
       :: seq != s -> e = 0; s = 0; goto again
       :: else
       fi
     }
#endif
     atomic {
       assert(e != GARBAGE);
       assert(e != NOTHING || seenGone[me]);
       assert(e == NOTHING || seenThere[me]);
       e = 0;
       s = 0
     }
  od;
  atomic { turn = 0; running-- }
}

init {
  atomic {
    running = 4;
    run Writer();
    run Writer();
    run Reader(0);
    run Reader(1)
  }
  atomic {
    running == 0;
    assert(!(seq & 1));
    assert(free == (root < TABLE -> 3 : (root == TABLE -> 2 : 1)));
    assert(root < TABLE || tab[root - TABLE] == PAGE)
  }
}
