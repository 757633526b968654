/*
 * The open word of a level, and the lending of a whole word between two levels.
 *
 * Mirrors, in dev.bifolio.kernel.frame: the levels above the areas: lending a unit as a word of the
 * level below, blocks allocated and freed in it, its return, and the word's index that a level keeps
 * open. One parent word of two units, whose children are two words of two units. One hint bit per
 * child ("this word has free units"). An atomic block is one access to shared memory.
 *
 *   parent[i]  FREE or LENT or HEAD
 *   word[i]    the FREE units of child i as bits; lent[i] is false when the word is all TAIL. Both
 *              are one word in memory and change in one access.
 *   open       the child that is kept open, or NOBODY
 *   hint[i]    set by frees that find their word closed, and by those who close it
 *
 * Processes: two that allocate a unit and free it again (choosing the open word, a hinted one, or
 * lending another, which then becomes the open word), one that takes and frees whole parent units,
 * one that drains (closes the open word).
 *
 * Properties
 *   P1  no unit has two owners, neither as a unit nor as part of its parent unit;
 *   P2  the parent's unit is FREE or HEAD only while its child is all TAIL;
 *   P3  when all is quiet each lent word with a free unit is open or hinted, and no closed word is
 *       wholly free;
 *   P4  after a last drain, all units of the parent are FREE.
 *
 * Long: -DTURNS=2
 *
 * Mutants, each seen to fail: -DNO_LOOK_AFTER_CLOSE (the closed word is not read again),
 * -DLOOK_BEFORE_CLOSE (it is read before the compare-and-set on the open pointer), -DASK_FIRST (a free
 * reads the open pointer before it changes its word), -DRETURN_BY_STORE (all FREE to all TAIL without
 * compare-and-set), -DPARENT_FIRST (the parent's unit is freed before the child is all TAIL),
 * -DLEND_BY_STORE (parent's unit FREE to LENT without compare-and-set).
 */
#ifndef TURNS
#define TURNS 1
#endif
#ifndef DRAINS
#define DRAINS 1
#endif
#define NOBODY 2

#define FREE 0
#define HEAD 1
#define LENT 2

byte parent[2];
byte word[2];
bool lent[2];
bool hint[2];
byte open = NOBODY;
byte running;

byte owner[4]; /* ghost: of unit 2 * word + unit */
byte owned[2]; /* ghost: of the parent's units */

/* Word w is closed and may be wholly free: gives it back. */
inline giveBack(w) {
#ifdef PARENT_FIRST
  atomic {
    if
    :: lent[w] && word[w] == 3 -> parent[w] = FREE
    :: else -> skip
    fi
  }
  atomic {
    if
    :: lent[w] && word[w] == 3 -> word[w] = 0; lent[w] = false
    :: else -> skip
    fi
  }
#else
#ifdef RETURN_BY_STORE
  if
  :: atomic { lent[w] && word[w] == 3 }
     atomic { word[w] = 0; lent[w] = false }
     atomic { parent[w] = FREE }
  :: atomic { !lent[w] || word[w] != 3 }
  fi
#else
  if
  :: atomic { lent[w] && word[w] == 3 -> word[w] = 0; lent[w] = false }
     atomic { assert(parent[w] == LENT); parent[w] = FREE }
  :: atomic { !lent[w] || word[w] != 3 }
  fi
#endif
#endif
}

/* Word w was just closed: nobody has set its hint while it was open. */
inline lookAgain(w) {
  atomic { c = word[w] }
  if
  :: c == 3 ->
     giveBack(w);
     /* a unit may have been taken in between */
     atomic { c = (lent[w] -> word[w] : 0) }
     if
     :: c -> atomic { hint[w] = true }
     :: else
     fi
  :: c == 1 || c == 2 -> atomic { hint[w] = true }
  :: c == 0
  fi;
  c = 0
}

/* Makes word w the open one in place of x. */
inline replaceOpen(w) {
  do
  :: atomic { x = open }
#ifdef LOOK_BEFORE_CLOSE
     if
     :: x != NOBODY -> lookAgain(x)
     :: else
     fi;
#endif
     if
     :: atomic { open == x -> open = w } break
     :: atomic { open != x }
     fi
  od;
#ifndef LOOK_BEFORE_CLOSE
#ifndef NO_LOOK_AFTER_CLOSE
  if
  :: x != NOBODY && x != w -> lookAgain(x)
  :: else
  fi;
#endif
#endif
  x = 0
}

/* Takes a unit of word w if it has one; got tells. */
inline takeUnit(w) {
  do
  :: atomic { c = (lent[w] -> word[w] : 0) }
     if
     :: c == 0 -> break
     :: else
     fi;
     u = (c & 1 -> 0 : 1);
     if
     :: atomic {
          lent[w] && word[w] == c ->
          word[w] = c & ~(1 << u);
          assert(parent[w] == LENT);
          assert(owner[2 * w + u] == 0 && owned[w] == 0);
          owner[2 * w + u] = me;
          got = true
        }
        break
     :: atomic { !lent[w] || word[w] != c }
     fi
  od;
  c = 0
}

proctype Units(byte me) {
  byte turn, w, u, c, x;
  bool got;
  do
  :: turn == TURNS -> break
  :: turn < TURNS ->
     turn++;
     /* the open word, then hints, then a loan */
     atomic { w = open }
     if
     :: w != NOBODY -> takeUnit(w)
     :: else
     fi;
     if
     :: !got ->
        if
        :: atomic { hint[0] -> w = 0 }
        :: atomic { hint[1] -> w = 1 }
        :: atomic { !hint[0] && !hint[1] -> w = NOBODY }
        fi;
        if
        :: w != NOBODY ->
           takeUnit(w);
           if
           :: !got ->
              /* a wrong hint: clear, then look again */
              atomic { hint[w] = false }
              atomic { c = (lent[w] -> word[w] : 0) }
              if
              :: c -> atomic { hint[w] = true }
              :: else
              fi;
              c = 0
           :: else
           fi
        :: else
        fi
     :: else
     fi;
     if
     :: !got ->
        w = NOBODY;
#ifdef LEND_BY_STORE
        if
        :: atomic { parent[0] == FREE -> w = 0 }
        :: atomic { parent[1] == FREE -> w = 1 }
        :: atomic { parent[0] != FREE && parent[1] != FREE }
        fi;
        if
        :: w != NOBODY -> atomic { parent[w] = LENT }
        :: else
        fi;
#else
        if
        :: atomic { parent[0] == FREE -> parent[0] = LENT; w = 0 }
        :: atomic { parent[1] == FREE -> parent[1] = LENT; w = 1 }
        :: atomic { parent[0] != FREE && parent[1] != FREE }
        fi;
#endif
        if
        :: w != NOBODY ->
           atomic {
             assert(!lent[w] && word[w] == 0);
             assert(owner[2 * w] == 0 && owner[2 * w + 1] == 0);
             lent[w] = true;
             word[w] = 2;
             u = 0;
             owner[2 * w] = me;
             got = true
           }
           replaceOpen(w)
        :: else
        fi
     :: else
     fi;
     if
     :: got ->
#ifdef ASK_FIRST
        atomic { x = open }
#endif
        atomic {
          assert(lent[w] && !(word[w] & (1 << u)) && owner[2 * w + u] == me);
          owner[2 * w + u] = 0;
          word[w] = word[w] | (1 << u)
        }
#ifndef ASK_FIRST
        atomic { x = open }
#endif
        if
        :: x != w ->
           atomic { c = word[w] }
           if
           :: c == 3 -> giveBack(w)
           :: else
           fi;
           /* not given back, as others have units or have just taken one */
           atomic { c = (lent[w] -> word[w] : 0) }
           if
           :: c -> atomic { hint[w] = true }
           :: else
           fi
        :: else
        fi
     :: else
     fi;
     atomic { got = false; w = 0; u = 0; c = 0; x = 0 }
  od;
  atomic { turn = 0; running-- }
}

proctype Whole(byte me) {
  byte turn, w;
  do
  :: turn == TURNS -> break
  :: turn < TURNS ->
     turn++;
     if
     :: w = 0
     :: w = 1
     fi;
     if
     :: atomic {
          parent[w] == FREE ->
          assert(!lent[w] && word[w] == 0);
          assert(owner[2 * w] == 0 && owner[2 * w + 1] == 0 && owned[w] == 0);
          parent[w] = HEAD;
          owned[w] = me
        }
        atomic { assert(parent[w] == HEAD && !lent[w]); owned[w] = 0; parent[w] = FREE }
     :: atomic { parent[w] != FREE }
     fi
  od;
  atomic { turn = 0; w = 0; running-- }
}

proctype Drainer() {
  byte drains, c, x;
  do
  :: drains == DRAINS -> break
  :: drains < DRAINS -> drains++; replaceOpen(NOBODY)
  od;
  atomic { drains = 0; running-- }
  running == 0;
  atomic {
    assert(!(lent[0] && word[0]) || open == 0 || (hint[0] && word[0] != 3));
    assert(!(lent[1] && word[1]) || open == 1 || (hint[1] && word[1] != 3))
  }
  replaceOpen(NOBODY);
  atomic {
    assert(parent[0] == FREE && parent[1] == FREE && !lent[0] && !lent[1])
  }
}

init {
  atomic {
    running = 4;
    run Units(1);
    run Units(2);
    run Whole(3);
    run Drainer()
  }
}
