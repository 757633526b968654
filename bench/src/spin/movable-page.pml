/*
 * Moving the frame of a cached page, whose owner has a lock that he takes to relocate too.
 *
 * Mirrors, in dev.bifolio.kernel.reclaim: get, release and write-back of PageCache, PageEviction, which
 * gives pages up, MovableBinding, and a move (Migration) by the words of MovableFrames. One page, three
 * frames; the bytes are two words, copied one by one. An atomic block is one access to shared memory, or
 * what happens under the cache's lock between two accesses to words that others change without it.
 *
 *   lock           of the cache
 *   state, pins, frame, dirty      the page's entry, written under the lock
 *   word[f]        NONE, CAPTURED, or MOVABLE with 0 … 2 pins or MOVING
 *   disk           what the backing has
 *
 * Processes: two that get the page, which reads it if it is not there, look at it, change it, and
 * release it; one that writes it back, or gives it up, written first if it is dirty; a mover, whose copy may fail.
 *
 * Properties
 *   P1  a page is in one frame, and the frame of a page in use does not change;
 *   P2  no byte is written while a mover copies it, and no change is lost: not by a move, not by giving
 *       the page up;
 *   P3  a frame is given up by one, and not while somebody uses or moves it;
 *   P4  the mover's words are changed by nobody else;
 *   P5  nobody waits for ever: not a mover for a lock whose holder waits for the mover.
 *
 * Mutants, each seen to fail: -DWAIT_LOCKED (a pin waits for the move under the lock), -DNO_FRAME_PIN
 * (pinned in the entry only), -DANY_STATE (the owner lets a frame go while the page is read or
 * written), -DGIVE_UP_BLIND (given up though the frame could not be disowned), -DDISOWN_LATE
 * (disowned after the lock was let go), -DUNPIN_EARLY (the frame is unpinned before the bytes are
 * changed), -DADOPT_EARLY (adopted before the bytes are read), -DRELOCATE_UNLOCKED (the owner does
 * not take the lock to relocate), -DCLEAN_AFTER (the dirty mark is taken off after writing).
 */
#ifndef TURNS
#define TURNS 1
#endif
#ifndef MOVES
#define MOVES 2
#endif
#define FRAMES 3
#define NOWHERE 3

#define NONE 0
#define CAPTURED 4
#define MOVABLE 8
#define MOVING 3
#define PINS(w) ((w) & 3)
#define KIND(w) ((w) & 12)

#define TORN 4 /* of disk: the page was changed while it was written */

#define ABSENT 0
#define READING 1
#define READY 2
#define WRITING 3

bool lock;
byte state, pins, frame = NOWHERE;
bool dirty;
byte word[FRAMES];
byte front[FRAMES], back[FRAMES];
byte disk;
byte running;

byte user[FRAMES];    /* ghost: 0 nobody's, 1 the page's, above a process's */
byte version;         /* ghost: what was written into the page last */
byte copiers[FRAMES]; /* ghost */

#define SETTLED(f) (KIND(word[f]) == MOVABLE && PINS(word[f]) != MOVING)
#define PLACES (SETTLED(0) + SETTLED(1) + SETTLED(2))

inline allocate(f) {
  atomic {
    if
    :: user[0] == 0 -> f = 0
    :: user[1] == 0 -> f = 1
    :: user[2] == 0 -> f = 2
    :: user[0] != 0 && user[1] != 0 && user[2] != 0 -> f = NOWHERE
    fi;
    if
    :: f != NOWHERE -> assert(word[f] == NONE); user[f] = me
    :: else
    fi
  }
}

inline free(f) {
  atomic { assert(user[f] == me && word[f] == NONE); user[f] = 0 }
}

inline takeLock() {
  atomic { !lock -> lock = true }
}

inline letGo() {
  atomic { assert(lock); lock = false }
}

/* The caller uses frame f of the page. */
#define USED(f) (state != ABSENT && frame == f && user[f] == 1 && copiers[f] == 0)

/* A pin that waits for a move: not under the lock. */
inline pinWaiting(f) {
  do
  :: atomic { w = word[f] }
     assert(KIND(w) == MOVABLE);
     if
     :: PINS(w) == MOVING -> word[f] != w
     :: PINS(w) != MOVING ->
        if
        :: atomic { word[f] == w -> word[f] = w + 1 } break
        :: atomic { word[f] != w }
        fi
     fi
  od
}

/* Under the lock: pins frame f, or lets the lock go for another look. */
inline pinLocked(f) {
#ifdef WAIT_LOCKED
  pinWaiting(f)
#else
  do
  :: atomic { w = word[f] }
     assert(KIND(w) == MOVABLE);
     if
     :: PINS(w) == MOVING ->
        letGo();
        goto again
     :: PINS(w) != MOVING ->
        if
        :: atomic { word[f] == w -> word[f] = w + 1 } break
        :: atomic { word[f] != w }
        fi
     fi
  od
#endif
}

inline unpin(f) {
  do
  :: atomic { w = word[f] }
     if
     :: atomic {
          word[f] == w -> assert(KIND(w) == MOVABLE && PINS(w) != 0 && PINS(w) != MOVING);
          word[f] = w - 1
        }
        break
     :: atomic { word[f] != w }
     fi
  od
}

/* Gets the page; f is its frame, or NOWHERE if there is none. */
inline get() {
  skip;
again:
  takeLock();
  if
  :: state == READY ->
#ifndef NO_FRAME_PIN
     pinLocked(frame);
#endif
     atomic { f = frame; assert(user[f] == 1); pins++ }
     letGo()
  :: state == READING || state == WRITING ->
     letGo();
     state != READING && state != WRITING;
     goto again
  :: state == ABSENT ->
     letGo();
     allocate(f);
     if
     :: f == NOWHERE -> goto none
     :: else
     fi;
     takeLock();
     if
     :: state != ABSENT -> letGo(); free(f); goto again
     :: else
     fi;
     atomic { state = READING; pins = 1; frame = f; user[f] = 1 }
     letGo();
#ifdef ADOPT_EARLY
     atomic { word[f] = MOVABLE }
#endif
     atomic { assert(USED(f)); front[f] = disk }
     atomic { assert(USED(f)); back[f] = disk; assert(disk == version) }
#ifndef ADOPT_EARLY
     atomic { assert(word[f] == NONE); word[f] = MOVABLE }
#endif
#ifndef NO_FRAME_PIN
     pinWaiting(f);
#endif
     takeLock();
     atomic { assert(frame == f && state == READING); state = READY }
     letGo()
  fi
}

proctype User(byte me) {
  byte turn, f, w;
  bool changed;
  do
  :: turn == TURNS -> break
  :: turn < TURNS ->
     turn++;
     get();
#ifdef UNPIN_EARLY
     unpin(f);
#endif
     if
     :: atomic { assert(USED(f)) }
     :: /* the users of a page agree who changes it */
        atomic {
          assert(USED(f) && state != READING && pins > 0);
          version = (version + 1) & 3;
          front[f] = version;
          changed = true
        }
        atomic { assert(USED(f)); back[f] = version }
     fi;
     takeLock();
     atomic {
       assert(frame == f && pins > 0);
       if
       :: changed -> dirty = true
       :: else
       fi;
       pins--
     }
#ifndef UNPIN_EARLY
#ifndef NO_FRAME_PIN
     unpin(frame);
#endif
#endif
     letGo();
none:
     atomic { f = 0; w = 0; changed = false }
  od;
  atomic { turn = 0; running-- }
}

/* Under the lock: takes the page out; f is its frame then, else NOWHERE. */
inline giveUp() {
  f = frame;
#ifdef DISOWN_LATE
  atomic { state = ABSENT; frame = NOWHERE }
#else
  do
  :: atomic { w = word[f] }
     assert(KIND(w) == MOVABLE);
     if
#ifndef GIVE_UP_BLIND
     :: PINS(w) != 0 -> f = NOWHERE; break
#endif
     :: PINS(w) == 0 ->
        if
        :: atomic {
             word[f] == w ->
             word[f] = NONE;
             assert(front[f] == version && back[f] == version && disk == version)
           }
           break
        :: atomic { word[f] != w }
        fi
#ifdef GIVE_UP_BLIND
     :: PINS(w) != 0 -> break
#endif
     fi
  od;
  if
  :: f != NOWHERE -> atomic {
       assert(user[f] == 1 && frame == f && pins == 0);
       user[f] = me;
       state = ABSENT;
       frame = NOWHERE
     }
  :: else
  fi
#endif
}

proctype Evicter(byte me) {
  byte turn, f, w;
  bool keep;
  do
  :: turn == TURNS + 1 -> break
  :: turn < TURNS + 1 ->
     turn++;
     takeLock();
     if
     :: state == READY && pins == 0
     :: state == READY && dirty -> keep = true
     :: state != READY || (pins != 0 && !dirty) -> letGo(); goto next
     fi;
     if
     :: dirty ->
#ifdef CLEAN_AFTER
        atomic { state = WRITING }
#else
        atomic { state = WRITING; dirty = false }
#endif
        letGo();
        f = frame;
        atomic { assert(user[f] == 1 && frame == f); disk = front[f] }
        atomic { assert(user[f] == 1 && frame == f); disk = (disk == back[f] -> disk : TORN) }
        takeLock();
        atomic { state = READY }
#ifdef CLEAN_AFTER
        atomic { dirty = false }
#endif
     :: else
     fi;
     if
     :: keep -> f = NOWHERE
     :: !keep -> giveUp()
     fi;
     letGo();
#ifdef DISOWN_LATE
     if
     :: f != NOWHERE ->
        atomic { assert(KIND(word[f]) == MOVABLE && PINS(word[f]) == 0); word[f] = NONE; user[f] = me }
     :: else
     fi;
#endif
     if
     :: f != NOWHERE -> free(f)
     :: else
     fi;
next:
     atomic { f = 0; w = 0; keep = false }
  od;
  atomic { turn = 0; running-- }
}

proctype Mover(byte me) {
  byte turn, p, t, w;
  bool moved;
  do
  :: turn == MOVES -> break
  :: turn < MOVES ->
     turn++;
     allocate(t);
     if
     :: t == NOWHERE -> goto next
     :: else
     fi;
     atomic { word[t] = CAPTURED }
     atomic {
       if
       :: p = 0
       :: p = 1
       :: p = 2
       fi;
       w = word[p]
     }
     if
     :: w != MOVABLE -> goto giveBack
     :: else
     fi;
     if
     :: atomic { word[p] == w -> word[p] = MOVABLE | MOVING }
     :: atomic { word[p] != w } goto giveBack
     fi;
     w = MOVABLE | MOVING;
     atomic { copiers[p]++; copiers[t]++; front[t] = front[p] }
     atomic { back[t] = back[p] }
     atomic { copiers[p]--; copiers[t]-- }
     if
     :: goto abort /* it threw, or was not alike */
     :: skip
     fi;
     atomic { assert(word[t] == CAPTURED); word[t] = w }
     /* the owner relocates, or not */
#ifndef RELOCATE_UNLOCKED
     takeLock();
#endif
     atomic {
       moved = true;
#ifndef ANY_STATE
       moved = moved && state == READY && pins == 0;
#endif
       moved = moved && frame == p
     }
     if
     :: moved -> atomic { frame = t; user[t] = 1; user[p] = me }
     :: else
     fi;
#ifndef RELOCATE_UNLOCKED
     letGo();
#endif
     if
     :: !moved -> goto abort
     :: moved
     fi;
     atomic { assert(word[t] == w); word[t] = MOVABLE; assert(PLACES == 1) }
     atomic { assert(word[p] == w); word[p] = CAPTURED }
     t = p;
     goto giveBack;
abort:
     atomic { assert(word[t] == CAPTURED || word[t] == w); word[t] = CAPTURED }
     atomic { assert(word[p] == w); word[p] = MOVABLE; assert(PLACES == 1) }
giveBack:
     atomic { assert(word[t] == CAPTURED); word[t] = NONE }
     free(t);
next:
     atomic { p = 0; t = 0; w = 0; moved = false }
  od;
  atomic { turn = 0; running-- }
}

init {
  atomic {
    running = 4;
    run User(2);
    run User(3);
    run Evicter(4);
    run Mover(5)
  }
  running == 0;
  atomic {
    assert(!lock && pins == 0 && PLACES == (state == READY));
    if
    :: state == READY ->
       assert(word[frame] == MOVABLE && user[frame] == 1);
       assert(front[frame] == version && back[frame] == version && (dirty || disk == version))
    :: else -> assert(state == ABSENT && frame == NOWHERE && disk == version)
    fi
  }
}
