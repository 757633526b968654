/*
 * Moving a block while others use it: the word of a block says which item it holds, how many hold it
 * where it is, or that it is being moved.
 *
 * Mirrors, in dev.bifolio.kernel.reclaim: adopt, pin, unpin and disown of MovableFrames with an owner
 * who takes no lock, and the move with its ways back (Migration). Three blocks, two items; the bytes of
 * a block are two words, copied one by one. An atomic block is one access to shared memory; the mover's
 * stores are one access, with a check that nobody else has changed the word.
 *
 *   word[b]        NONE, CAPTURED, or MOVABLE(item) with 0 … 2 pins or MOVING
 *   place[i]       the owner's one pointer to the item
 *   front, back    the bytes
 *
 * Processes: two owners' threads that look at an item under a pin, or end it and begin one in another
 * block, and of which the first changes what it looks at; two movers, who take a block as target, give it or
 * the source back, and whose copy may fail; an owner may refuse.
 *
 * Properties
 *   P1  an item is in one block: never two words that are not MOVING name it, and with the last store of
 *       a move one does; a block that is allocated has no word from before;
 *   P2  a pinned item stays where the pin found it, and its bytes are the last ones written;
 *   P3  no byte is read or written while a mover copies it;
 *   P4  of those who disown an item one succeeds; the block is his then, whoever moves what;
 *   P5  the mover's words are changed by nobody else; all movers and owners come to an end.
 *
 * Mutants, each seen to fail: -DBEGIN_BY_STORE (a move begins without compare-and-set), -DBEGIN_PINNED
 * (it begins whoever has pins), -DCOPY_FIRST (the copy is made before it begins), -DRELOCATE_FIRST (the
 * owner is asked before the copy), -DTARGET_OPEN (the target is MOVABLE before the commit),
 * -DFREE_FIRST (the source is freed before its word is forgotten), -DNO_ITEM (a pin does not ask what the
 * block holds), -DPIN_BY_STORE, -DUNPIN_BY_STORE, -DDISOWN_BY_STORE (without compare-and-set),
 * -DDISOWN_PINNED (whoever has pins), -DADOPT_FIRST (adopted before the bytes are written), -DNO_DISOWN
 * (freed without being disowned).
 */
#ifndef TURNS
#define TURNS 1
#endif
#ifndef MOVES
#define MOVES 1
#endif
#define BLOCKS 3
#define NOWHERE 3

/* Words: the kind, with the item; in the two lowest bits the pins. */
#define NONE 0
#define CAPTURED 4
#define MOVABLE(i) (8 + 4 * (i))
#define MOVING 3
#define PINS(w) ((w) & 3)
#define KIND(w) ((w) & 12)
#define HOLDS(w, i) (KIND(w) == MOVABLE(i))

byte word[BLOCKS];
byte place[2];
byte front[BLOCKS], back[BLOCKS];
byte running;

byte user[BLOCKS];   /* ghost: whose the block is: 0 nobody's, 1 and 2 an item's, above a thread's */
byte version[2];     /* ghost: what the bytes of an item are */
byte copiers[BLOCKS]; /* ghost: who reads or writes it for a copy */
bool living[2];      /* ghost: the owner has begun the item, or begins it */

#define SETTLED(i, b) (HOLDS(word[b], i) && PINS(word[b]) != MOVING)
#define PLACES(i) (SETTLED(i, 0) + SETTLED(i, 1) + SETTLED(i, 2))

/* Takes a block that nobody has; b is NOWHERE if there is none. */
inline allocate(b) {
  atomic {
    if
    :: user[0] == 0 -> b = 0
    :: user[1] == 0 -> b = 1
    :: user[2] == 0 -> b = 2
    :: user[0] != 0 && user[1] != 0 && user[2] != 0 -> b = NOWHERE
    fi;
    if
    :: b != NOWHERE -> assert(word[b] == NONE); user[b] = me
    :: else
    fi
  }
}

inline free(b) {
  atomic { assert(user[b] == me); user[b] = 0 }
}

/* Under a pin at p: the item is here, and nobody copies it. */
#define HERE (place[i] == p && user[p] == i + 1 && copiers[p] == 0)

inline visit() {
  do
  :: atomic { p = place[i] }
     if
     :: p == NOWHERE -> break
     :: else
     fi;
again:
     atomic { w = word[p] }
     if
#ifdef NO_ITEM
     :: KIND(w) < MOVABLE(0) -> goto look
     :: KIND(w) >= MOVABLE(0) && PINS(w) == MOVING -> word[p] != w; goto again
     :: KIND(w) >= MOVABLE(0) && PINS(w) != MOVING
#else
     :: !HOLDS(w, i) -> goto look
     :: HOLDS(w, i) && PINS(w) == MOVING -> word[p] != w; goto again
     :: HOLDS(w, i) && PINS(w) != MOVING
#endif
     fi;
     atomic {
#ifndef PIN_BY_STORE
       if
       :: word[p] != w -> goto again
       :: else
       fi;
#endif
       word[p] = w + 1;
       assert(HERE && PLACES(i) == 1)
     }
     atomic { assert(HERE && front[p] == version[i]) }
     if
     :: writes ->
        atomic {
          assert(HERE && back[p] == version[i]);
          version[i] = (version[i] + 1) & 3;
          front[p] = version[i]
        }
        atomic { assert(HERE); back[p] = version[i] }
     :: else
     fi;
     do
     :: atomic { w = word[p] }
        atomic {
          assert(HERE && HOLDS(w, i) && PINS(w) != 0 && PINS(w) != MOVING);
#ifdef UNPIN_BY_STORE
          word[p] = w - 1; break
#else
          if
          :: word[p] == w -> word[p] = w - 1; break
          :: else
          fi
#endif
        }
     od;
     break;
look:
     skip
  od
}

/* Ends the item; p is NOWHERE if somebody else did. */
inline remove() {
  do
  :: atomic { p = place[i] }
     if
     :: p == NOWHERE -> break
     :: else
     fi;
#ifdef NO_DISOWN
     atomic { w = word[p] }
     if
     :: !HOLDS(w, i) || PINS(w) != 0 -> goto look2
     :: else
     fi;
     atomic { assert(user[p] == i + 1); user[p] = me }
     atomic { place[i] = NOWHERE }
     break;
#else
again2:
     atomic { w = word[p] }
     if
     :: !HOLDS(w, i) -> goto look2
     :: HOLDS(w, i) && PINS(w) == MOVING -> word[p] != w; goto again2
#ifdef DISOWN_PINNED
     :: HOLDS(w, i) && PINS(w) != MOVING
#else
     :: HOLDS(w, i) && PINS(w) != 0 && PINS(w) != MOVING -> goto look2
     :: HOLDS(w, i) && PINS(w) == 0
#endif
     fi;
     atomic {
#ifndef DISOWN_BY_STORE
       if
       :: word[p] != w -> goto again2
       :: else
       fi;
#endif
       word[p] = NONE;
       assert(HERE && PLACES(i) == 0);
       assert(front[p] == version[i] && back[p] == version[i]);
       user[p] = me
     }
     atomic { assert(place[i] == p); place[i] = NOWHERE }
     break;
#endif
look2:
     skip
  od
}

/* Begins an item that is not there in block p. */
inline begin() {
  atomic {
    if
    :: !living[0] -> i = 0
    :: !living[1] -> i = 1
    fi;
    living[i] = true;
    version[i] = (version[i] + 1) & 3
  }
#ifdef ADOPT_FIRST
  atomic { place[i] = p; user[p] = i + 1 }
  atomic { assert(word[p] == NONE); word[p] = MOVABLE(i) }
  atomic { front[p] = version[i] }
  atomic { back[p] = version[i] }
#else
  atomic { assert(copiers[p] == 0); front[p] = version[i] }
  atomic { assert(copiers[p] == 0); back[p] = version[i] }
  atomic { place[i] = p; user[p] = i + 1 }
  atomic { assert(word[p] == NONE); word[p] = MOVABLE(i); assert(PLACES(i) == 1) }
#endif
}

proctype Owner(byte me; bool writes) {
  byte turn, i, p, w;
  do
  :: turn == TURNS -> break
  :: turn < TURNS ->
     turn++;
     if
     :: i = 0
     :: i = 1
     fi;
     if
     :: visit()
     :: remove();
        if
        :: p != NOWHERE ->
           free(p);
           atomic { living[i] = false; i = 0 }
           allocate(p);
           if
           :: p != NOWHERE -> begin()
           :: else
           fi
        :: else
        fi
     fi;
     atomic { i = 0; p = 0; w = 0 }
  od;
  atomic { turn = 0; running-- }
}

inline copy() {
  atomic { copiers[p]++; copiers[t]++; front[t] = front[p] }
  atomic { back[t] = back[p] }
  atomic { copiers[p]--; copiers[t]-- }
}

/* The owner changes its pointer, or refuses. */
inline relocate() {
  if
  :: atomic {
       assert(place[i] == p && user[p] == i + 1);
       place[i] = t;
       user[t] = i + 1;
       user[p] = me;
       moved = true
     }
  :: skip
  fi
}

proctype Mover(byte me) {
  byte turn, i, p, t, w;
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
     /* any block that looks as if it might be moved */
     atomic {
       if
       :: p = 0
       :: p = 1
       :: p = 2
       fi;
       w = word[p]
     }
#ifdef COPY_FIRST
     copy();
#endif
#ifdef BEGIN_PINNED
     if
     :: KIND(w) < MOVABLE(0) || PINS(w) == MOVING -> goto giveBack
     :: else
     fi;
#else
     if
     :: KIND(w) < MOVABLE(0) || PINS(w) != 0 -> goto giveBack
     :: else
     fi;
#endif
     atomic {
#ifndef BEGIN_BY_STORE
       if
       :: word[p] != w -> goto giveBack
       :: else
       fi;
#endif
       word[p] = w | MOVING
     }
     w = w | MOVING;
     i = (KIND(w) == MOVABLE(0) -> 0 : 1);
#ifdef RELOCATE_FIRST
     atomic { assert(word[t] == CAPTURED); word[t] = w }
     relocate();
     if
     :: !moved -> goto abort
     :: moved
     fi;
#endif
#ifndef COPY_FIRST
     copy();
#endif
     if
     :: moved = false; goto abort /* it threw, or was not alike */
     :: skip
     fi;
#ifndef RELOCATE_FIRST
#ifdef TARGET_OPEN
     atomic { assert(word[t] == CAPTURED); word[t] = KIND(w) }
#else
     atomic { assert(word[t] == CAPTURED); word[t] = w }
#endif
     relocate();
     if
     :: !moved -> goto abort
     :: moved
     fi;
#endif
     /* commit */
     atomic {
#ifndef TARGET_OPEN
       assert(word[t] == w);
#endif
       word[t] = KIND(word[t]);
       assert(PLACES(i) == 1)
     }
     atomic { assert(word[p] == w); word[p] = CAPTURED }
     atomic { t = p }
     goto giveBack;
abort:
     atomic { assert(word[t] == CAPTURED || word[t] == w); word[t] = CAPTURED }
     atomic { assert(word[p] == w); word[p] = KIND(w); assert(PLACES(i) == 1) }
giveBack:
#ifdef FREE_FIRST
     free(t);
     atomic { assert(word[t] == CAPTURED); word[t] = NONE }
#else
     atomic { assert(word[t] == CAPTURED); word[t] = NONE }
     free(t);
#endif
next:
     atomic { i = 0; p = 0; t = 0; w = 0; moved = false }
  od;
  atomic { turn = 0; running-- }
}

init {
  byte i, p;
  atomic {
    place[0] = 0;
    place[1] = NOWHERE;
    living[0] = true;
    user[0] = 1;
    word[0] = MOVABLE(0);
    running = 4;
    run Owner(3, true);
    run Owner(4, false);
    run Mover(5);
    run Mover(6)
  }
  running == 0;
  atomic {
    do
    :: i < 2 ->
       p = place[i];
       assert(PLACES(i) == (p != NOWHERE));
       if
       :: p != NOWHERE ->
          assert(word[p] == MOVABLE(i) && user[p] == i + 1);
          assert(front[p] == version[i] && back[p] == version[i])
       :: else
       fi;
       i++
    :: else -> break
    od
  }
}
