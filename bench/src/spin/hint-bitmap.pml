/*
 * The hint bitmaps of the bins: a leaf bit per area, a mid bit per leaf word, a top bit per mid word.
 * Bits are hints, and a bit that is missing while all is quiet loses its area for ever.
 *
 * Mirrors, in dev.bifolio.kernel.frame: the set and the search of the bins' bitmaps. Two leaf words
 * of two areas and of one area, one mid word, one top bit. is[i] stands for "the area word says that
 * area i is in this bin". An atomic block is one access to shared memory; accesses are volatile, so
 * the interleavings of Spin are all there are.
 *
 * Processes: a setter puts areas into the bin; two searchers take them out of it and correct wrong bits.
 *
 * Property: when all is quiet, each area in the bin is found: its leaf, mid and top bits are set.
 *
 * Long: -DSEARCHES=3
 *
 * Mutants, each seen to fail: -DHINT_FIRST (bits before the area word), -DNO_SECOND_LOOK (the area is
 * not read again after its leaf bit was cleared), -DNO_SECOND_LOOK_ABOVE (the same for the mid bit),
 * -DNO_SECOND_LOOK_TOP (and the top bit), -DLOOK_THEN_CLEAR (the second look before the clearing),
 * -DLEAF_AGAIN_ONLY (a bit that is set again is not followed upwards), -DMID_AGAIN_ONLY (the
 * same for a mid bit).
 */
#ifndef SETS
#define SETS 2
#endif
#ifndef SEARCHES
#define SEARCHES 2
#endif

byte is;           /* bit i: area i is in the bin */
byte leaf0, leaf1; /* leaf words: areas 0 and 1; area 2 */
byte mid;          /* bit 0: leaf0, bit 1: leaf1 */
byte top;
byte running;

inline setAbove(i) {
  atomic {
    if
    :: !(mid & (1 << (i / 2))) -> w = 1
    :: else -> w = 0
    fi
  }
  if
  :: w -> atomic { mid = mid | (1 << (i / 2)) }
  :: else
  fi;
  atomic {
    if
    :: !top -> w = 1
    :: else -> w = 0
    fi
  }
  if
  :: w -> atomic { top = 1; w = 0 }
  :: else
  fi
}

inline setLeaf(i) {
  atomic {
    if
    :: i < 2 -> w = !(leaf0 & (1 << i))
    :: else -> w = !leaf1
    fi
  }
  if
  :: w ->
     atomic {
       if
       :: i < 2 -> leaf0 = leaf0 | (1 << i)
       :: else -> leaf1 = 1
       fi
     }
  :: else
  fi
}

inline setBits(i) {
  setLeaf(i);
  setAbove(i)
}

proctype Setter() {
  byte n, i, w;
  do
  :: atomic { n == SETS -> break }
  :: atomic {
       n < SETS -> n++;
       if
       :: i = 0
       :: i = 1
       :: i = 2
       fi
     }
#ifdef HINT_FIRST
     setBits(i);
     atomic { is = is | (1 << i) }
#else
     atomic { is = is | (1 << i) }
     setBits(i)
#endif
  od;
  atomic { n = 0; i = 0; w = 0; running-- }
}

inline clearLeaf(i) {
  atomic {
    if
    :: i < 2 -> leaf0 = leaf0 & ~(1 << i)
    :: else -> leaf1 = 0
    fi
  }
}

proctype Searcher() {
  byte n, i, w;
  do
  :: atomic { n == SEARCHES -> break }
  :: atomic { n < SEARCHES -> n++ }
     if
     :: atomic { !top -> goto next }
     :: atomic { top }
     fi;
     atomic {
       if
       :: mid == 0 -> i = 4
       :: (mid & 1) -> i = 0
       :: (mid & 2) -> i = 2
       fi
     }
     if
     :: i == 4 -> goto clearTop
     :: i < 2 ->
        atomic {
          if
          :: leaf0 == 0 -> goto clearMid
          :: (leaf0 & 1) -> i = 0
          :: (leaf0 & 2) -> i = 1
          fi
        }
     :: else ->
        atomic {
          if
          :: leaf1 == 0 -> goto clearMid
          :: else
          fi
        }
     fi;
     /* the area: take it out of the bin, or find the bit wrong */
     atomic {
       if
       :: is & (1 << i) -> is = is & ~(1 << i); goto next
       :: else
       fi
     }
#ifdef LOOK_THEN_CLEAR
     if
     :: atomic { is & (1 << i) -> goto next }
     :: atomic { !(is & (1 << i)) }
     fi;
     clearLeaf(i);
#else
     clearLeaf(i);
#ifndef NO_SECOND_LOOK
     if
     :: atomic { is & (1 << i) }
#ifdef LEAF_AGAIN_ONLY
        setLeaf(i)
#else
        setBits(i)
#endif
     :: atomic { !(is & (1 << i)) }
     fi;
#endif
#endif
     goto next;
clearMid:
     atomic { mid = mid & ~(1 << (i / 2)) }
#ifndef NO_SECOND_LOOK_ABOVE
     if
#ifdef MID_AGAIN_ONLY
     :: atomic { i < 2 && leaf0 }
        atomic { mid = mid | 1 }
     :: atomic { i >= 2 && leaf1 }
        atomic { mid = mid | 2 }
#else
     :: atomic { i < 2 && leaf0 }
        setAbove(i)
     :: atomic { i >= 2 && leaf1 }
        setAbove(i)
#endif
     :: atomic { (i < 2 && !leaf0) || (i >= 2 && !leaf1) }
     fi;
#endif
     goto next;
clearTop:
     atomic { top = 0 }
#ifndef NO_SECOND_LOOK_TOP
     if
     :: atomic { mid }
        atomic { top = 1 }
     :: atomic { !mid }
     fi;
#endif
next:
     atomic { i = 0; w = 0 }
  od;
  atomic { n = 0; running-- }
}

init {
  atomic {
    top = 1;
    if
    :: is = 1;
       leaf0 = 3; /* the bit of area 1 is wrong */
       mid = 3    /* and so is that of the second leaf word */
    :: mid = 2    /* all that is set is wrong */
    :: skip
    fi;
    running = 3;
    run Setter();
    run Searcher();
    run Searcher()
  }
  atomic {
    running == 0;
    assert(!(is & 1) || ((leaf0 & 1) && (mid & 1) && top));
    assert(!(is & 2) || ((leaf0 & 2) && (mid & 1) && top));
    assert(!(is & 4) || (leaf1 && (mid & 2) && top))
  }
}
